package config_test

import (
	"fmt"

	"imerr-scan/internal/config"
)

func ExampleLoad() {
	env := map[string]string{"IMERR_LANG": "en", "DING_SECRET": "SEC42"}
	conf, err := config.Load(config.Input{
		File: "config.yaml",
		Data: []byte(`
lang: zh
detector: {min_count: 20}
sinks:
  - kind: dingtalk
    url: https://oapi.dingtalk.com/robot/send?access_token=42
    secret: ${DING_SECRET}
`),
		Flags: []config.Flag{{Key: "tz", Name: "--tz", Value: "UTC"}},
		Env:   func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range conf.Effective() {
		if s.Origin != "default" {
			fmt.Println(s.Key, s.Value, "by", s.Origin)
		}
	}
	// Output:
	// lang en by environment IMERR_LANG
	// tz UTC by --tz
	// detector.min_count 20 by config.yaml:3
	// sinks[0].kind dingtalk by config.yaml:5
	// sinks[0].url https://oapi.dingtalk.com/*** by config.yaml:6
	// sinks[0].secret *** by config.yaml:7, ${DING_SECRET}
}

func ExampleLoad_mistakes() {
	_, err := config.Load(config.Input{File: "config.yaml", Data: []byte(`
limits:
  - name: login-failures
    codes: [2, 28]
    windw: 5m
    events: many
`)})
	fmt.Println(err)
	// Output:
	// config.yaml:5:5: limits[0].windw: unknown key; did you mean "window"?
	// config.yaml:6:13: limits[0].events: "many": want a whole number above 0
}
