package detect

// KindMeaning says in a few words what kind of kick storm it was; both texts are empty for a kind that says nothing yet.
func KindMeaning(kind string) Text { return kindMeanings[kind] }

var kindMeanings = map[string]Text{
	KindFromAPI:       {"由控制台或 REST 接口踢下线", "signed out by the console or a REST call"},
	KindPasswordWave:  {"密码被批量修改", "passwords were changed"},
	KindRemoved:       {"账号被批量删除", "accounts were deleted"},
	KindLoopUser:      {"个别账号在循环", "one or two accounts in a loop"},
	KindSharedAccount: {"多人共用同一账号", "several people share a login"},
	KindPingPong:      {"同一账号的两台设备自动重登、互相踢下线", "devices of an account log in again by themselves and kick each other"},
	KindMass:          {"大面积，不是个别账号", "many users, not single accounts"},
	KindMixed:         {"没有单一模式", "no single pattern"},
}
