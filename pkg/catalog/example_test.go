package catalog_test

import (
	"fmt"
	"strings"

	"imerr-scan/pkg/catalog"
)

func Example() {
	cat := catalog.Web()
	e := cat.Lookup(206)
	fmt.Println(e.Code, e.Name)
	fmt.Println(e.Category, e.Severity, e.Retry)
	fmt.Println(e.Meaning.In(catalog.ZH))
	// Output:
	// 206 WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE
	// auth critical after_relogin
	// 同一账号在其他设备登录，本端被踢下线（未开启多设备登录时）。若已开启多设备并设置了设备数，由哪一台被踢与连接参数 isFixedDeviceId 有关。
}

// One number, two platforms.
func ExampleLoad() {
	for _, platform := range []string{"web", "android"} {
		cat, err := catalog.Load(platform)
		if err != nil {
			panic(err)
		}
		fmt.Println(platform, cat.Lookup(500).Name)
	}
	// Output:
	// web SERVER_BUSY
	// android MESSAGE_INVALID
}

// Which of the many limits was it?
func ExampleEntry_Reason() {
	e := catalog.Web().ByName("MAX_LIMIT")
	r := e.Reason("Sorry, the monthly active user limit for this app has been reached")
	fmt.Println(r.ID, "-", r.Meaning.EN)
	// Output: mau - Monthly active users of the app are used up.
}

func ExampleCatalog_Search() {
	for _, e := range catalog.Web().Search("踢下线")[:2] {
		fmt.Println(e.Code, e.Name)
	}
	// Output:
	// 206 WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE
	// 217 WEBIM_CONNCTION_USER_KICKED_BY_OTHER_DEVICE
}

// A mistake is refused with its line and a suggestion.
func ExampleCatalog_Overlay() {
	_, err := catalog.Web().Overlay(strings.NewReader(`code: 90001
name: GATEWAY_REFUSED
category: message
meaning-en: Our gateway refused the message.
`), "ours.txt")
	fmt.Println(err)
	// Output: ours.txt:3: category "message": want auth, messaging, group, chatroom, quota, general; did you mean "category: messaging"?
}
