package extract

import "strings"

// keyID names the keys that mean something to us by themselves.
type keyID uint8

const (
	kNone keyID = iota
	kType
	kMessage
	kReason
	kData
	kXHR
	kError
	kErrorType
	kErrorMessage
	kErrorReason
	kErrorDataReason
	kFrom
	kTo
	kChatType
	kLog
	kStream
	kJournal
	kMsg
	kBody
	kLine
	kShortMessage
	kFullMessage
	kErr
	kException
	kResourceLogs
	kScopeLogs
	kLogRecords
	kAttributes
	kStreams
	kLabels
	kLogs
	kCause
	kECS
	kEventID
	kSDK
	kVersion
	kHost
	kTime
	kTimestamp
	kRealtime
	kTimeUnixNano
	kObserved
	kLevel
	kSeverityNumber
	kPriority
	kUser
	kApp
	kDevice
	kOS
	kService
	kContexts
	kFields
	kLibraryVersion
	kSource
	kIndex
	kJSON
	numKeys
)

// role says what a key may be beside a code.
type role uint16

const (
	sdkKey     role = 1 << iota // one of the SDK's own keys
	loggerKey                   // time, an id or a logger's own key: may stand at a record's root beside an SDK error
	foreignKey                  // http, rpc, db …: what stands beside is no code of ours
	unwrapTail                  // JSON as, or at the end of, its string is part of the record
	unwrapAll                   // a string that is JSON as a whole is part of the record
	chatBody                    // what people write stands under it, if from or chatType stands beside
	arguments                   // an array under it holds console arguments
	group                       // a usual sub-object for user, device, version and platform
)

// field is something of a record that is shown with its events.
type field uint8

const (
	noField field = iota
	fieldUser
	fieldDevice
	fieldVersion
	fieldPlatform
	fieldTime
	fieldLevel
	numFields
)

// keyInfo is what is known of a key. Of several keys for one field the one with the least rank is taken, then the first.
type keyInfo struct {
	name  string
	id    keyID
	role  role
	field field
	rank  uint8
}

// keyIDs are the keys that mean something by themselves, in all spellings. Keys with the role unwrapTail or unwrapAll are
// among them, so that a duplicate is told.
var keyIDs = [numKeys]string{
	kType:            "type",
	kMessage:         "message",
	kReason:          "reason",
	kData:            "data",
	kXHR:             "xhr",
	kError:           "error",
	kErr:             "err",
	kException:       "exception",
	kErrorType:       "error.type",
	kErrorMessage:    "error.message",
	kErrorReason:     "error.reason",
	kErrorDataReason: "error.data.reason",
	kCause:           "cause",
	kFrom:            "from",
	kTo:              "to",
	kChatType:        "chatType",
	kLog:             "log",
	kJournal:         "MESSAGE",
	kMsg:             "msg",
	kFields:          "@fields",
	kBody:            "body",
	kLine:            "line",
	kShortMessage:    "short_message",
	kFullMessage:     "full_message",
	kStream:          "stream",
	kResourceLogs:    "resourceLogs resource_logs",
	kScopeLogs:       "scopeLogs scope_logs instrumentationLibraryLogs",
	kLogRecords:      "logRecords log_records",
	kAttributes:      "attributes",
	kStreams:         "streams",
	kLabels:          "labels",
	kLogs:            "logs",
	kECS:             "ecs ecs.version",
	kEventID:         "event_id",
	kSDK:             "sdk",
	kContexts:        "contexts",
	kHost:            "host",
	kTime:            "time",
	kTimestamp:       "timestamp",
	kTimeUnixNano:    "timeUnixNano time_unix_nano",
	kObserved:        "observedTimeUnixNano observed_time_unix_nano",
	kRealtime:        "__REALTIME_TIMESTAMP",
	kLevel:           "level",
	kSeverityNumber:  "severityNumber severity_number",
	kPriority:        "PRIORITY",
	kUser:            "user",
	kDevice:          "device",
	kVersion:         "version",
	kOS:              "os",
	kApp:             "app",
	kService:         "service",
	kLibraryVersion:  "libraryVersion",
	kSource:          "_source",
	kIndex:           "_index",
	kJSON:            "json",
}

// keyRoles are all known keys by what they are.
var keyRoles = []struct {
	role  role
	field field
	rank  uint8
	names string
}{
	{sdkKey, noField, 0, "type data xhr extraInfo errorType id errMsg header statusCode cookies name stack errno"},
	{sdkKey | unwrapTail | loggerKey | arguments, noField, 0, "message"},
	{sdkKey | unwrapAll, noField, 0, "reason"},
	{unwrapAll, noField, 0, "error err exception"},
	{0, noField, 0, "_source _index json error.type error.message error.reason error.data.reason cause from to chatType @fields " +
		"resourceLogs resource_logs scopeLogs scope_logs instrumentationLibraryLogs logRecords " +
		"log_records streams values result"},
	{foreignKey, noField, 0, "http rpc db status_code stack_trace error.stack_trace"},
	{chatBody, noField, 0, "ext bodies payload customExts customEvent params msgConfig messages"},
	{unwrapTail | loggerKey, noField, 0, "log line"},
	{unwrapTail, noField, 0, "MESSAGE short_message full_message"},
	{unwrapTail | loggerKey | chatBody | arguments, noField, 0, "msg"},
	{arguments, noField, 0, "args arguments logs"},
	{loggerKey, noField, 0, "levelId libraryVersion _logMeta _meta event container cloud trace span stream ecs ecs.version event_id sdk " +
		"contexts host pid hostname v logger loggerName logger_name log.logger category categoryName " +
		"module component environment env label tag src source caller file func function thread process " +
		"agent kubernetes ms trace_id traceId trace.id span_id spanId span.id trace_flags transaction.id " +
		"requestId request_id reqId req_id sessionId session_id session correlationId correlation_id " +
		"tenantId appId appKey"},
	{unwrapTail | chatBody, noField, 0, "body"},
	{loggerKey | group, noField, 0, "attributes attrs labels app service ctx context meta metadata extra tags fields client"},
	{loggerKey, fieldTime, 1, "time"},
	{loggerKey, fieldTime, 2, "ts"},
	{loggerKey, fieldTime, 3, "timestamp"},
	{loggerKey, fieldTime, 4, "@timestamp"},
	{loggerKey, fieldTime, 5, "date"},
	{loggerKey, fieldTime, 6, "datetime"},
	{loggerKey, fieldTime, 7, "asctime"},
	{loggerKey, fieldTime, 8, "timeMillis"},
	{loggerKey, fieldTime, 9, "timeUnixNano time_unix_nano"},
	{loggerKey, fieldTime, 10, "observedTimeUnixNano observed_time_unix_nano"},
	{loggerKey, fieldTime, 11, "_SOURCE_REALTIME_TIMESTAMP"},
	{loggerKey, fieldTime, 12, "__REALTIME_TIMESTAMP"},
	{loggerKey, fieldLevel, 1, "level"},
	{loggerKey, fieldLevel, 2, "severity"},
	{loggerKey, fieldLevel, 3, "lvl"},
	{loggerKey, fieldLevel, 4, "log.level"},
	{loggerKey, fieldLevel, 5, "levelname levelName level_name"},
	{loggerKey, fieldLevel, 6, "loglevel logLevel log_level"},
	{loggerKey, fieldLevel, 7, "severityNumber severity_number"},
	{loggerKey, fieldLevel, 8, "severityText severity_text"},
	{loggerKey, fieldLevel, 9, "PRIORITY"},
	{loggerKey, fieldUser, 1, "userId user_id userid userID user.id enduser.id usr.id"},
	{loggerKey, fieldUser, 2, "uid"},
	{loggerKey | group, fieldUser, 3, "user"},
	{loggerKey, fieldUser, 4, "username userName user_name user.name"},
	{loggerKey, fieldUser, 5, "account accountId account_id"},
	{loggerKey, fieldDevice, 1, "deviceId device_id deviceid deviceID device.id"},
	{loggerKey | group, fieldDevice, 2, "device"},
	{loggerKey | group, fieldDevice, 3, "resource"},
	{loggerKey, fieldVersion, 1, "appVersion app_version appVer app_ver app.version app.ver"},
	{loggerKey, fieldVersion, 2, "version"},
	{loggerKey, fieldVersion, 3, "service.version"},
	{loggerKey, fieldVersion, 4, "release"},
	{loggerKey, fieldPlatform, 1, "platform app.platform"},
	{loggerKey, fieldPlatform, 2, "os.name"},
	{loggerKey | group, fieldPlatform, 3, "os"},
	{loggerKey, fieldPlatform, 4, "os.type"},
}

// keyTable finds a keyInfo by name: open addressing over a hash of length and a few letters.
const keySlots = 1024

var keyTable = func() (t [keySlots]*keyInfo) {
	ids := map[string]keyID{}
	for id, names := range keyIDs {
		for name := range strings.FieldsSeq(names) {
			ids[name] = keyID(id)
		}
	}
	for _, r := range keyRoles {
		for name := range strings.FieldsSeq(r.names) {
			h := keyHash([]byte(name))
			for t[h] != nil {
				h = (h + 1) % keySlots
			}
			t[h] = &keyInfo{name, ids[name], r.role, r.field, r.rank}
		}
	}
	return t
}()

func keyHash(b []byte) uint32 {
	n := len(b)
	return (uint32(n)*0x9e3779b1 + uint32(b[0])*0x85ebca6b + uint32(b[n/2])*0xc2b2ae35 + uint32(b[n-1])*0x27d4eb2f) >> 12 % keySlots
}

var unknownKey keyInfo

// keyOf returns what is known of a key; never nil.
func keyOf(b []byte) *keyInfo {
	if len(b) == 0 || len(b) > 26 {
		return &unknownKey
	}
	for h := keyHash(b); keyTable[h] != nil; h = (h + 1) % keySlots {
		if k := keyTable[h]; k.name == string(b) {
			return k
		}
	}
	return &unknownKey
}
