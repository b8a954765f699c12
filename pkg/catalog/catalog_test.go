package catalog

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// seed is the public table of the SDK: code and name, as its documentation gives them.
func seed(t *testing.T) map[int32]string {
	t.Helper()
	data, err := os.ReadFile("testdata/seed_codes.tsv")
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[int32]string)
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		code, name, ok := strings.Cut(line, "\t")
		n, err := strconv.ParseInt(code, 10, 32)
		if !ok || err != nil {
			t.Fatalf("seed_codes.tsv: %q", line)
		}
		out[int32(n)] = name
	}
	return out
}

func TestTheSeventyDocumentedCodesByNumberAndByName(t *testing.T) {
	cat, want := Web(), seed(t)
	if len(want) != 70 {
		t.Fatalf("the table has %d codes, want 70", len(want))
	}
	for code, name := range want {
		e := cat.Lookup(code)
		if e == nil || e.Name != name || e.Tier != "documented" {
			t.Errorf("Lookup(%d) = %+v, want %s, documented", code, e, name)
		}
		if got := cat.ByName(name); got != e {
			t.Errorf("ByName(%s) = %+v, want code %d", name, got, code)
		}
		if got := cat.Find(strings.ToLower(name)); got != e {
			t.Errorf("Find(%s) = %+v, want code %d", strings.ToLower(name), got, code)
		}
	}
	for _, e := range cat.Entries() {
		if _, ok := want[e.Code]; !ok && e.Tier == "documented" {
			t.Errorf("%d %s is called documented, but is not in the table", e.Code, e.Name)
		}
	}
}

func TestCountsOfTheWebCatalog(t *testing.T) {
	tiers, documented, reasons, withReasons := map[string]int{}, map[string]int{}, 0, 0
	var raised []int32
	for _, e := range Web().Entries() {
		tiers[e.Tier]++
		if e.Tier == "documented" {
			documented[e.Category]++
		}
		if e.Tier == "sdk_internal" && e.Raised {
			raised = append(raised, e.Code)
		}
		reasons += len(e.Reasons)
		if len(e.Reasons) > 0 {
			withReasons++
		}
	}
	if diff := cmp.Diff(map[string]int{"documented": 70, "sdk_public": 16, "sdk_internal": 61}, tiers); diff != "" {
		t.Errorf("entries by tier (-want +got)\n%s", diff)
	}
	want := map[string]int{"messaging": 28, "auth": 15, "general": 11, "group": 7, "quota": 6, "chatroom": 3}
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("documented codes by category (-want +got)\n%s", diff)
	}
	if reasons != 166 || withReasons != 76 {
		t.Errorf("%d reasons for %d codes, want 166 for 76", reasons, withReasons)
	}
	if want := []int32{3, 23, 304, 513, 514}; !slices.Equal(raised, want) {
		t.Errorf("internal codes that are raised: %v, want %v", raised, want)
	}
}

func TestEveryEntryIsWhole(t *testing.T) {
	for _, platform := range Platforms() {
		cat, err := Load(platform)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range cat.Entries() {
			inSet := slices.Contains(tiers, e.Tier) && slices.Contains(categories, e.Category) && slices.Contains(severities, e.Severity) &&
				slices.Contains(retries, e.Retry) && slices.Contains(actors, e.Actor)
			if !inSet || e.Name == "" || e.Topic == "" || e.Source == "" {
				t.Errorf("%s %d: a word is missing or in no set: %+v", platform, e.Code, e)
			}
			texts := []Text{e.Meaning, e.Next}
			if e.Behaviour != (Text{}) {
				texts = append(texts, e.Behaviour)
			}
			if e.Note != (Text{}) {
				texts = append(texts, e.Note)
			}
			texts = append(texts, e.Causes...)
			for _, r := range e.Reasons {
				texts = append(texts, r.Meaning)
				if r.Source == "" {
					t.Errorf("%s %d: reason %s has no source", platform, e.Code, r.ID)
				}
			}
			for _, text := range texts {
				if !isChineseText(text.ZH) || text.EN == "" || isChineseText(text.EN) {
					t.Errorf("%s %d: not in both languages: %+v", platform, e.Code, text)
				}
				if strings.ContainsAny(text.EN+text.ZH, "`[]#") || strings.Contains(text.EN+text.ZH, ".html") {
					t.Errorf("%s %d: markup in %+v", platform, e.Code, text)
				}
			}
		}
	}
}

func isChineseText(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// What the public table says of a code, its entry has to say too; these are the words that must not be lost.
func TestMeaningsSayWhatTheTableSays(t *testing.T) {
	cat := Web()
	for code, words := range map[int32][]string{
		1: {"token"}, 16: {"断网"}, 27: {"appId", "登录"}, 28: {"token", "未登录"}, 31: {"回调", "后续"}, 39: {"未登录", "掉线", "退出"},
		40: {"鉴权"}, 50: {"Reaction", "翻译", "日活", "月活", "在线"}, 51: {"举报"}, 101: {"过大"}, 102: {"token", "未登录"}, 200: {"超时", "网络"},
		204: {"建群"}, 205: {"消息 ID", "接收方", "撤回"}, 206: {"多设备", "isFixedDeviceId", "踢"}, 207: {"管理员", "注销", "管理后台"},
		208: {"单设备", "open"}, 216: {"密码"}, 217: {"多设备", "API", "管理后台"}, 219: {"全局禁言", "管理后台"}, 221: {"好友", "控制台"},
		502: {"反垃圾"}, 503: {"未知", "范围"}, 506: {"全员禁言", "白名单", "群组", "聊天室"}, 507: {"禁言", "群组", "聊天室"}, 508: {"第三方", "拒绝"},
		509: {"频率", "单聊", "群聊", "聊天室", "商务"}, 510: {"网络断开", "重连"}, 511: {"大小", "各端"}, 512: {"超时", "断开"},
		603: {"黑名单", "他人的消息", "群成员属性", "子区", "群主"}, 604: {"回调"}, 605: {"群组 ID"}, 606: {"建群"}, 607: {"套餐"}, 700: {"token", "appId"},
		800: {"本地数据库"}, 999: {"WebSocket"}, 1100: {"在线状态", "长度"}, 1103: {"单聊", "发送者", "接收者", "删除"}, 1301: {"重复"},
	} {
		zh := cat.Lookup(code).Meaning.ZH
		for _, w := range words {
			if !strings.Contains(zh, w) {
				t.Errorf("%d: the meaning does not speak of %q: %s", code, w, zh)
			}
		}
	}
}

func TestNames(t *testing.T) {
	cat := Web()
	for _, tc := range []struct {
		name        string
		exact, find int32 // -999: none
	}{
		{"WEBIM_CONNCTION_USER_NOT_ASSIGN_ERROR", 0, 0}, // alias of 0, hidden in the SDK's types
		{"REQUEST_SUCCESS", 0, 0},
		{"WEBIM_CONNECTION_USER_NOT_ASSIGN_ERROR", -999, 0},         // the other spelling
		{"WEBIM_CONNECTION_CLOSED", 39, 39},                         // this one is spelled right in the SDK
		{"WEBIM_CONNCTION_CLOSED", -999, 39},                        //
		{"WEBIM_CONNECTION_USER_LOGIN_ANOTHER_DEVICE", -999, 206},   //
		{"webim_connction_user_login_another_device", -999, 206},    // any case
		{"USER_LOGIN_ANOTHER_DEVICE", -999, 206},                    // without the prefix, as on Android
		{"LOCAL_DB_OPERATION_FAILED", 800, 800},                     // a name is stronger than the alias of 55
		{"ALREADY_JOINED", 601, 601},                                // alias
		{"WEBIM_MESSAGE_REC_AUDIO", 304, 304},                       // old name
		{"error", -999, -999},                                       // no code, though WEBIM_CONNECTION_ERROR is one
		{"", -999, -999},                                            //
		{"WEBIM_", -999, -999},                                      //
		{strings.Repeat("WEBIM_CONNCTION_", 10_000), -999, -999},    //
		{"WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE ", -999, -999},  // trailing space
		{"WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE\n", -999, -999}, //
	} {
		code := func(e *Entry) int32 {
			if e == nil {
				return -999
			}
			return e.Code
		}
		if got := code(cat.ByName(tc.name)); got != tc.exact {
			t.Errorf("ByName(%.60q) = %d, want %d", tc.name, got, tc.exact)
		}
		if got := code(cat.Find(tc.name)); got != tc.find {
			t.Errorf("Find(%.60q) = %d, want %d", tc.name, got, tc.find)
		}
	}
}

func TestFindTellsAllNamesApart(t *testing.T) {
	for _, platform := range Platforms() {
		cat, _ := Load(platform)
		for _, e := range cat.Entries() {
			for _, name := range []string{e.Name, strings.ToLower(e.Name), strings.ReplaceAll(e.Name, "CONNCTION", "CONNECTION"), stem(fold(e.Name))} {
				if got := cat.Find(name); got != e && len(name) >= minShort {
					t.Errorf("%s: Find(%s) = %+v, want %d", platform, name, got, e.Code)
				}
			}
		}
	}
}

func TestPlatforms(t *testing.T) {
	for _, tc := range []struct {
		platform string
		code     int32
		name     string
		category string
	}{
		{"web", 2, "WEBIM_CONNCTION_AUTH_ERROR", "auth"},
		{"android", 2, "NETWORK_ERROR", "general"},
		{"ios", 2, "AgoraChatErrorNetworkUnavailable", "general"},
		{"harmonyos", 2, "NETWORK_ERROR", "general"},
		{"android", 206, "USER_LOGIN_ANOTHER_DEVICE", "auth"},
		{"ios", 206, "AgoraChatErrorUserLoginOnAnotherDevice", "auth"},
		{"android", 700, "CHATROOM_INVALID_ID", "chatroom"},
		{"android", 108, "TOKEN_EXPIRED", "auth"},
		{"ios", 8, "EMAppActiveNumbersReachLimitation", "quota"},
		{"harmonyos", 7, "PARTIAL_SUCCESS", "general"},
		{"android", 7, "", ""},     // nothing there
		{"web", 108, "", ""},       // only native
		{"android", 39, "", ""},    // only web
		{"harmonyos", 613, "", ""}, //
	} {
		cat, err := Load(tc.platform)
		if err != nil {
			t.Fatal(err)
		}
		e := cat.Lookup(tc.code)
		if tc.name == "" {
			if e != nil {
				t.Errorf("%s %d = %s, want none", tc.platform, tc.code, e.Name)
			}
			continue
		}
		if e == nil || e.Name != tc.name || e.Category != tc.category || cat.ByName(tc.name) != e {
			t.Errorf("%s %d = %+v, want %s, %s", tc.platform, tc.code, e, tc.name, tc.category)
		}
	}
	if _, err := Load("windows"); err == nil || !strings.Contains(err.Error(), "harmonyos") {
		t.Errorf("Load(windows): %v, want an error that lists the platforms", err)
	}
}

func TestElsewhere(t *testing.T) {
	web := Web()
	android := func(code int32) Elsewhere {
		for _, o := range web.Lookup(code).Elsewhere {
			if o.Platform == "android" {
				return o
			}
		}
		return Elsewhere{}
	}
	// Safe on every platform, by the tables; the rest that they share differs or is unsure.
	safe := []int32{0, 204, 206, 207, 214, 216, 217, 219, 220, 221, 304, 501, 504, 505, 509, 601, 602, 603, 702, 704, 705, 1100}
	var same, differ, unsure []int32
	for _, e := range web.Entries() {
		switch o := android(e.Code); {
		case o.Name == "":
		case o.Unsure:
			unsure = append(unsure, e.Code)
		case o.Same:
			same = append(same, e.Code)
		default:
			differ = append(differ, e.Code)
		}
	}
	if !slices.Equal(same, safe) {
		t.Errorf("the same on Android: %v, want %v", same, safe)
	}
	if !slices.Equal(unsure, []int32{605, 606}) {
		t.Errorf("unsure on Android: %v, want 605 and 606", unsure)
	}
	if len(differ) != 47 {
		t.Errorf("%d numbers differ on Android, want 47", len(differ))
	}
	if got := android(500); got.Name != "MESSAGE_INVALID" || got.Same {
		t.Errorf("500 on Android: %+v", got)
	}
	cat, _ := Load("android")
	want := []Elsewhere{
		{Platform: "web", Name: "WEBIM_CONNCTION_AUTH_ERROR"},
		{Platform: "ios", Name: "AgoraChatErrorNetworkUnavailable", Same: true},
		{Platform: "harmonyos", Name: "NETWORK_ERROR", Same: true},
	}
	if diff := cmp.Diff(want, cat.Lookup(2).Elsewhere); diff != "" {
		t.Errorf("2 on Android, elsewhere (-want +got)\n%s", diff)
	}
}

// On Android a related code must mean what it means in the entry that names it: 606 is another thing there.
func TestRelatedCodesKeepTheirMeaning(t *testing.T) {
	android, _ := Load("android")
	for code, want := range map[int32][]int32{206: {214}, 704: nil, 217: {206, 214}} {
		if got := android.Lookup(code).Related; !slices.Equal(got, want) {
			t.Errorf("android: related to %d: %v, want %v", code, got, want)
		}
	}
	if got := Web().Lookup(206).Related; !slices.Equal(got, []int32{39, 214}) {
		t.Errorf("web: related to 206: %v", got)
	}
}

func TestEmbeddedFileIsSortedAndHasNoHiddenPart(t *testing.T) {
	sh, mistakes := parse(embedded)
	if len(mistakes) > 0 {
		t.Fatal(join("catalog.txt", mistakes))
	}
	if !slices.IsSortedFunc(sh.records, byCode) {
		t.Error("catalog.txt is not sorted by code")
	}
	native := 0
	for i := range sh.records {
		if sh.records[i].names[1] == "" {
			native++
		}
	}
	if len(sh.records) != 147+86 || native != 86 {
		t.Errorf("%d records, %d of them of other platforms only; want 233 and 86", len(sh.records), native)
	}
	for _, set := range [][]string{tiers, categories, severities, retries, actors} {
		head, _, _ := strings.Cut(embedded, "\nversion:")
		for _, word := range set {
			if !strings.Contains(head, word) {
				t.Errorf("the head of catalog.txt does not list %s", word)
			}
		}
	}
}

func TestVersionAndLength(t *testing.T) {
	for platform, want := range map[string]struct {
		version string
		n       int
	}{"web": {"4.21", 147}, "android": {"2025-01", 107}, "ios": {"2025-01", 107}, "harmonyos": {"2025-01", 98}} {
		cat, err := Load(platform)
		if err != nil {
			t.Fatal(err)
		}
		if cat.Platform() != platform || cat.Version() != want.version || cat.Len() != want.n || len(cat.Entries()) != want.n {
			t.Errorf("%s: %s %s, %d entries; want %s, %d", platform, cat.Platform(), cat.Version(), cat.Len(), want.version, want.n)
		}
	}
}

func TestSearch(t *testing.T) {
	cat := Web()
	for _, tc := range []struct {
		phrase string
		first  []int32 // in this order
		more   bool    // others may follow
	}{
		{"user_muted", []int32{219, 507}, true},
		{"USER_MUTED_BY_ADMIN", []int32{219}, true},
		{"踢下线", []int32{206, 217}, true},
		{"用户被踢下线", []int32{217, 206}, true},
		{"群组已满", []int32{606}, true},
		{"日活", []int32{50}, false},
		{"token 过期", []int32{56}, true},
		{"kick", []int32{216, 217, 206, 207}, true},
		{"Sorry, the monthly active user limit for this app has been reached", []int32{50}, false},
		{"the user was kicked by other device", []int32{217}, true},
		{"send failed: not login", []int32{39}, true},
		{"timeout", []int32{-1}, true},
		{"multi device", []int32{206}, true}, // no entry has both words
		{"xyzzy", nil, false},
		{"", nil, false},
		{" \t", nil, false},
		{"_____", nil, false},
		{"\xff\xfe", nil, false},
	} {
		var got []int32
		for _, e := range cat.Search(tc.phrase) {
			got = append(got, e.Code)
		}
		if len(got) < len(tc.first) || !slices.Equal(got[:len(tc.first)], tc.first) || len(got) > len(tc.first) && !tc.more {
			t.Errorf("Search(%q) = %v, want %v first", tc.phrase, got, tc.first)
		}
	}
	if got := cat.Search(strings.Repeat("kick 踢 ", 1<<20)); len(got) > cat.Len() {
		t.Errorf("a phrase of 10 MiB found %d entries", len(got))
	}
}
