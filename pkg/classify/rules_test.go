package classify_test

import (
	"fmt"
	"strings"
	"testing"
)

const known = "the user is already logged on another device" // a text of 206

// outcome is a verdict in one line.
func (s scanner) outcome(doc string) string {
	_, v := s.scan(doc)
	var out []string
	for _, e := range v.Events {
		o := fmt.Sprint(e.Code)
		if e.Entry == nil {
			o = fmt.Sprintf("unknown %q", e.Value)
		}
		if e.Reason != "" {
			o += "/" + e.Reason
		}
		if e.HasInner {
			o += fmt.Sprint(" inner ", e.Inner)
		}
		out = append(out, o)
	}
	if v.Success > 0 {
		out = append(out, fmt.Sprint("success ", v.Success))
	}
	if v.Foreign > 0 {
		out = append(out, fmt.Sprint("foreign ", v.Foreign))
	}
	if len(v.Hints) > 0 {
		out = append(out, fmt.Sprint("hint ", strings.Join(v.Hints, ",")))
	}
	return strings.Join(out, "; ")
}

type ruleCase struct{ name, doc, want string }

func checkRules(t *testing.T, cases []ruleCase) {
	s := newScanner()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if got := s.outcome(tc.doc); got != tc.want {
				t.Errorf("%s:\n got %s\nwant %s", tc.doc, got, tc.want)
			}
		})
	}
}

func TestRulePlace(t *testing.T) {
	checkRules(t, []ruleCase{
		{"number alone", `{"error":{"type":206}}`, "206"},
		{"at level info", `{"level":"info","error":{"type":206,"x":1}}`, "206"},
		{"literal key", `{"error.type":206}`, "206"},
		{"literal key, string", `{"error.type":"206","error.message":"` + known + `"}`, "206/other_device_login"},
		{"internal code that is never raised", `{"error":{"type":405}}`, "405"},
		{"in no catalog", `{"error":{"type":1305,"message":"x"}}`, `unknown "1305"`},
		{"beyond int32", `{"error":{"type":3000000000}}`, `unknown "3000000000"`},
		{"leading zero", `{"error":{"type":"0206"}}`, `unknown "0206"`},
		{"a sign", `{"error":{"type":"+206"}}`, `unknown "+206"`},
		{"a blank", `{"error":{"type":" 206"}}`, `unknown " 206"`},
		{"empty", `{"error":{"type":""}}`, `unknown ""`},
		{"true", `{"error":{"type":true}}`, `unknown "true"`},
		{"an array", `{"error":{"type":[]}}`, `unknown "[]"`},
		{"an object", `{"error":{"type":{}}}`, `unknown "{}"`},
		{"a new name", `{"error":{"type":"WEBIM_NEW_THING"}}`, `unknown "WEBIM_NEW_THING"`},
		{"a fraction", `{"error":{"type":206.5}}`, `unknown "206.5"`},
		{"null", `{"error":{"type":null}}`, ""},
		{"exception", `{"error":{"type":"java.lang.NullPointerException"}}`, ""},
		{"long value", `{"error":{"type":"A ` + strings.Repeat("X", 100) + `"}}`, `unknown "A ` + strings.Repeat("X", 62) + `"`},
		{"name", `{"error":{"type":"REQUEST_TIMEOUT"}}`, "-1"},
		{"alias", `{"error":{"type":"WEBIM_CONNCTION_USER_NOT_ASSIGN_ERROR","message":"the user is empty or type is not string"}}`, "0/user_not_assigned"},
		{"deeper it is no place", `{"ctx":{"error":{"type":1305}}}`, ""},
		{"error in a string", `{"error":"{\"type\":1305}"}`, `unknown "1305"`},
		{"in plain text it is none", `im: {"error":{"type":1305,"message":"x"}}`, ""},
		{"a logger's record behind a pod's name", `im-1 | {"level":"error","error":{"type":1305}}`, `unknown "1305"`},
		{"a record at info behind a text", `im-1 | {"level":"info","error":{"type":1305}}`, ""},
		{"in logfmt it is none", `level=error error.type=1305 error.message=x`, ""},
		{"cut off it is none", `{"error":{"type":1305,"message":"x"},"a`, ""},
	})
}

func TestRuleObject(t *testing.T) {
	checkRules(t, []ruleCase{
		{"message", `{"type":206,"message":"x"}`, "206/other"},
		{"empty message", `{"type":500,"message":""}`, "500"},
		{"reason", `{"type":507,"reason":"you were muted"}`, "507/muted"},
		{"data.reason", `{"type":501,"data":{"reason":"x"}}`, "501/other"},
		{"an answer of the REST API in data", `{"type":101,"data":{"error":"x","error_description":"file type is not allowed"}}`, "101/other"},
		{"download", `{"type":200,"id":"1","xhr":{}}`, "200"},
		{"a failed upload has data and no words", `{"level":"error","e":{"type":101,"data":"<html>"}}`, "101"},
		{"a failed upload under a key error", `{"json":{"error":{"type":101,"data":{}}}}`, "101"},
		{"under a key that only ends in error", `{"paymenterror":{"type":101,"data":{}}}`, "hint paymenterror.type"},
		{"where nothing says that it is an error", `{"e":{"type":101,"data":{}}}`, "hint e.type"},
		{"other codes have words", `{"level":"error","e":{"type":102,"data":{}}}`, "hint e.type"},
		{"nothing beside", `{"type":206}`, "hint type"},
		{"message is no string", `{"type":206,"message":17}`, "hint type"},
		{"a key that is not the SDK's", `{"type":206,"message":"x","orderId":7}`, "hint type"},
		{"anywhere", `{"a":{"b":[{"c":{"type":206,"message":"x"}}]}}`, "206/other"},
		{"a logger's keys and no level", `{"time":"2026-11-23T06:00:04Z","type":206,"message":"x"}`, "hint type"},
		{"a logger's keys and a level", `{"time":"2026-11-23T06:00:04Z","level":"warn","type":206,"message":"x","userId":"u"}`, "206/other"},
		{"those deeper", `{"level":"error","a":{"time":"x","type":206,"message":"x"}}`, "hint a.type"},
		{"level info", `{"level":"info","e":{"type":206,"message":"x"}}`, "hint e.type"},
		{"INFO in the text", `INFO im {"type":206,"message":"x"}`, "hint type"},
		{"ERROR in the text", `ERROR im {"type":206,"message":"x"}`, "206/other"},
		{"no level in the text", `im {"type":206,"message":"x"}`, "206/other"},
		{"level around a string", `{"level":"info","message":"{\"type\":206,\"message\":\"x\"}"}`, "hint type"},
		{"the inner record's own level", `{"level":"info","message":"{\"level\":\"error\",\"e\":{\"type\":206,\"message\":\"x\"}}"}`, "206/other"},
		{"a code the SDK never raises", `{"type":405,"message":"x"}`, ""},
		{"a number of no catalog", `{"type":1305,"message":"x"}`, ""},
		{"name of a constant", `{"type":"REQUEST_TIMEOUT","message":"x"}`, "-1/other"},
		{"mini program", `{"data":{"error":"x"},"header":{},"statusCode":401,"cookies":[],"errMsg":"request:ok","message":"x","type":52}`, "52/other"},
		{"a chat message", `{"id":"1","type":"txt","chatType":"singleChat","from":"a","to":"b","msg":"hi"}`, ""},
	})
}

func TestRuleText(t *testing.T) {
	checkRules(t, []ruleCase{
		{"at any level, beside any keys", `{"level":"debug","a":{"type":206,"message":"` + known + `","orderId":7}}`, "206/other_device_login"},
		{"text of another code", `{"level":"debug","a":{"type":217,"message":"` + known + `","orderId":7}}`, "hint a.type"},
		{"beside http", `{"a":{"type":206,"message":"` + known + `"},"http":{}}`, "206/other_device_login"},
		{"an exact text", `{"level":"info","type":-1,"message":"connection timeout"}`, "-1/connect_timeout"},
		{"an exact text behind words, in a root", `{"level":"info","type":-1,"message":"login failed: connection timeout"}`, "-1/connect_timeout"},
		{"an exact text behind words, deeper", `{"level":"info","a":{"type":-1,"message":"login failed: connection timeout"}}`, "hint a.type"},
		{"case counts", `{"type":-1,"message":"Request Timeout"}`, "-1/rest_timeout"},
		{"in plain text", `x {"type":206,"message":"` + known + `","a":1}`, "206/other_device_login"},
		{"cut off", `{"a":{"type":206,"message":"` + known + `","b":1},"c`, "206/other_device_login"},
		{"in logfmt", `type=206 message="` + known + `" a=b`, "206/other_device_login"},
		{"the message is the text before", `error: ` + known + ` {"type":206}`, "206/other_device_login"},
		{"that text at info", `info: ` + known + ` {"type":206}`, "hint type"},
		{"another text before", `error: lost {"type":206}`, "hint type"},
		{"0 with its text", `{"type":0,"message":"the user is empty or type is not string"}`, "0/user_not_assigned"},
	})
}

func TestSuccessAndForeign(t *testing.T) {
	checkRules(t, []ruleCase{
		{"zero at a place", `{"error":{"type":0}}`, "success 1"},
		{"zero as text", `{"error":{"type":"0"}}`, "success 1"},
		{"minus zero", `{"error":{"type":-0.0}}`, "success 1"},
		{"zero by its name", `{"error":{"type":"REQUEST_SUCCESS"}}`, "success 1"},
		{"zero and a message of something else", `{"type":0,"message":"ok"}`, "success 1"},
		{"an ordinary zero", `{"type":0,"kind":"x"}`, ""},
		{"http", `{"error":{"type":"500"},"http":{"method":"GET"}}`, "foreign 1"},
		{"http, dotted", `{"error.type":"500","http.request.method":"GET"}`, "foreign 1"},
		{"rpc", `{"error":{"type":"13"},"rpc.system":"grpc"}`, "foreign 1"},
		{"db", `{"error":{"type":"1205"},"db":{}}`, "foreign 1"},
		{"status code in the object", `{"error":{"type":"500","status_code":500}}`, "foreign 1"},
		{"stack trace", `{"error":{"type":"500","message":"x","stack_trace":"at"}}`, "foreign 1"},
		{"an object that would have counted", `{"level":"error","e":{"type":500,"message":"x"},"http":{}}`, "foreign 1"},
		{"http in the record around", `{"http":{"method":"GET"},"message":"{\"error\":{\"type\":500}}"}`, "foreign 1"},
		{"http in pairs beside a quoted object", `level=error err="{\"type\":500,\"message\":\"x\"}" http.method=GET`, "foreign 1"},
		{"http elsewhere", `{"error":{"type":500},"a":{"http":{}}}`, "500"},
		{"a word that begins like it", `{"error":{"type":500},"httpx":1,"dbname":"x"}`, "500"},
	})
}

func TestOneErrorCountsOnce(t *testing.T) {
	checkRules(t, []ruleCase{
		{"the outermost counts, its data is the better diagnosis", `{"error":{"type":1,"message":"login failed","data":{"type":17,"message":"Server is busy."}}}`, "1/login_failed inner 17"},
		{"three levels", `{"type":304,"message":"get DNS failed","data":{"type":-2,"message":"x","data":{"type":-1,"message":"y"}}}`, "304/dns_failed inner -2"},
		{"not in data", `{"type":1,"message":"x","extraInfo":{"type":17,"message":"y"}}`, "1/other"},
		{"a message's type in data is none", `{"type":507,"message":"x","data":{"type":"txt","id":"1"}}`, "507/other"},
		{"if the outer is none, the inner counts", `{"error":{"type":"Object","data":{"type":17,"message":"x"}}}`, "17/other"},
		{"twice in a record", `{"error":{"type":206,"message":"x"},"extra":{"e":{"type":206,"message":"x"}}}`, "206/other"},
		{"two codes in a record", `{"error":{"type":206,"message":"x"},"extra":{"e":{"type":39,"message":"x"}}}`, "206/other; 39/other"},
		{"attribute and body of OTLP", `{"severityNumber":17,"body":{"stringValue":"{\"error\":{\"type\":206}}"},"attributes":[{"key":"error.type","value":{"intValue":"206"}}]}`, "206"},
		{"GELF's two messages", `{"version":"1.1","host":"h","short_message":"{\"error\":{\"type\":206}}","full_message":"{\"error\":{\"type\":206}}"}`, "206"},
		{"records of an array", `[{"error":{"type":206}},{"error":{"type":206}}]`, "206; 206"},
		{"documents on a line", `{"error":{"type":206}}{"error":{"type":206}}`, "206; 206"},
		{"documents in docker's line", `{"log":"{\"error\":{\"type\":206}}{\"error\":{\"type\":206}}","stream":"stdout"}`, "206; 206"},
		{"lines of a Loki stream", `{"streams":[{"stream":{},"values":[["1","{\"error\":{\"type\":206}}"],["2","{\"error\":{\"type\":206}}"]]}]}`, "206; 206"},
		{"unknown values once", `{"error":{"type":1305},"error.type":1305}`, `unknown "1305"`},
		{"duplicate keys: the first", `{"error":{"type":206,"type":217},"error":{"type":39}}`, "206"},
		{"a duplicate that is no object", `{"error":null,"error":{"type":39}}`, ""},
		{"escaped keys", `{"\u0065rror":{"typ\u0065":"\u0032\u0030\u0036"}}`, "206"},
	})
}

// TestNothingTypedCounts lets people type what would count elsewhere.
func TestNothingTypedCounts(t *testing.T) {
	full := `{"error":{"type":206,"message":"` + known + `"}}`
	q, qq := quoted(full), quoted(quoted(full))
	checkRules(t, []ruleCase{
		{"a received message", `{"id":"1","type":"txt","chatType":"singleChat","from":"a","to":"b","msg":` + q + `,"ext":{}}`, ""},
		{"from behind it", `{"msg":` + q + `,"from":"a"}`, ""},
		{"group message in body", `{"chatType":"groupChat","body":` + q + `}`, ""},
		{"custom attributes", `{"type":"txt","chatType":"singleChat","from":"a","to":"b","msg":"x","ext":{"e":{"type":206,"message":"` + known + `"}}}`, ""},
		{"custom attributes, dotted", `{"type":"txt","chatType":"singleChat","from":"a","to":"b","msg":"x","ext":{"error.type":206}}`, ""},
		{"in a record", `{"level":"info","message":"recv","payload":{"from":"a","to":"b","chatType":"singleChat","msg":` + q + `}}`, ""},
		{"in onLog", `{"time":"9:00:00:7","level":"ERROR","logs":["recv",{"from":"a","to":"b","chatType":"singleChat","msg":` + q + `}]}`, ""},
		{"in docker", `{"log":` + quoted(`{"from":"a","chatType":"singleChat","msg":`+q+`}`) + `,"stream":"stdout"}`, ""},
		{"under a key of no logger", `{"level":"error","text":` + q + `,"nickname":` + q + `}`, ""},
		{"a string in a string", `{"level":"error","message":` + qq + `}`, ""},
		{"behind words at info", `{"level":"info","message":` + quoted(`a says {"error":{"type":206,"message":"x"}}`) + `}`, "hint error.type"},
		{"as a whole at info", `{"level":"info","message":` + quoted(`{"error":{"type":206,"message":"x"}}`) + `}`, "hint error.type"},
		{"cut before from", `{"type":"txt","msg":` + q + `,"fr`, ""},
		{"cut in the text", `{"type":"txt","msg":` + q[:len(q)-4], ""},
		{"unescaped quotes in a broken line", `{"type":"txt","msg":"{"type":206,"message":"x"}"}`, ""},
		{"pairs in prose", `a says type=206 message=x`, "hint type"},
		{"pairs in a quoted value", `level=error msg="type=206 message=x error.type=206"`, ""},
		{"inspect in a message at info", `{"level":"info","message":"{ type: 206, message: 'x' }"}`, ""},
		{"quoted in an argument without a level", `["recv","{\"type\":206,\"message\":\"x\"}"]`, ""},
		{"a name with an error in it", `{"level":"error","userId":"{\"error\":{\"type\":206}}","error":{"type":39}}`, "39"},
	})
}
