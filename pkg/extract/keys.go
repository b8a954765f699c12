package extract

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
	kResource
	kAttributes
	kStreams
	kValues
	kResult
	kLabels
	kLogs
	kCause
	kECS
	kEventID
	kSDK
	kVersion
	kHost
	kTime
	kTS
	kTimestamp
	kAtTimestamp
	kDate
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

var keyList = []keyInfo{
	{"type", kType, sdkKey, noField, 0},
	{"message", kMessage, sdkKey | unwrapTail | loggerKey | arguments, noField, 0},
	{"reason", kReason, sdkKey | unwrapAll, noField, 0},
	{"data", kData, sdkKey, noField, 0},
	{"xhr", kXHR, sdkKey, noField, 0},
	{"extraInfo", kNone, sdkKey, noField, 0},
	{"errorType", kNone, sdkKey, noField, 0},
	{"id", kNone, sdkKey, noField, 0},
	{"errMsg", kNone, sdkKey, noField, 0},
	{"header", kNone, sdkKey, noField, 0},
	{"statusCode", kNone, sdkKey, noField, 0},
	{"cookies", kNone, sdkKey, noField, 0},
	{"name", kNone, sdkKey, noField, 0},
	{"stack", kNone, sdkKey, noField, 0},

	{"error", kError, unwrapAll, noField, 0},
	{"err", kErr, unwrapAll, noField, 0},
	{"exception", kException, unwrapAll, noField, 0},
	{"error.type", kErrorType, 0, noField, 0},
	{"error.message", kErrorMessage, 0, noField, 0},
	{"error.reason", kErrorReason, 0, noField, 0},
	{"error.data.reason", kErrorDataReason, 0, noField, 0},
	{"cause", kCause, 0, noField, 0},

	{"http", kNone, foreignKey, noField, 0},
	{"rpc", kNone, foreignKey, noField, 0},
	{"db", kNone, foreignKey, noField, 0},
	{"status_code", kNone, foreignKey, noField, 0},
	{"stack_trace", kNone, foreignKey, noField, 0},
	{"error.stack_trace", kNone, foreignKey, noField, 0},

	{"from", kFrom, 0, noField, 0},
	{"to", kTo, 0, noField, 0},
	{"chatType", kChatType, 0, noField, 0},
	{"ext", kNone, chatBody, noField, 0},
	{"bodies", kNone, chatBody, noField, 0},
	{"payload", kNone, chatBody, noField, 0},
	{"customExts", kNone, chatBody, noField, 0},
	{"customEvent", kNone, chatBody, noField, 0},
	{"params", kNone, chatBody, noField, 0},
	{"msgConfig", kNone, chatBody, noField, 0},
	{"messages", kNone, chatBody, noField, 0},

	{"log", kLog, unwrapTail | loggerKey, noField, 0},
	{"MESSAGE", kJournal, unwrapTail, noField, 0},
	{"msg", kMsg, unwrapTail | loggerKey | chatBody | arguments, noField, 0},
	{"args", kNone, arguments, noField, 0},
	{"arguments", kNone, arguments, noField, 0},
	{"errno", kNone, sdkKey, noField, 0},
	{"@fields", kFields, 0, noField, 0},
	{"levelId", kNone, loggerKey, noField, 0},
	{"_logMeta", kNone, loggerKey, noField, 0},
	{"_meta", kNone, loggerKey, noField, 0},
	{"event", kNone, loggerKey, noField, 0},
	{"container", kNone, loggerKey, noField, 0},
	{"cloud", kNone, loggerKey, noField, 0},
	{"trace", kNone, loggerKey, noField, 0},
	{"span", kNone, loggerKey, noField, 0},
	{"body", kBody, unwrapTail | chatBody, noField, 0},
	{"line", kLine, unwrapTail | loggerKey, noField, 0},
	{"short_message", kShortMessage, unwrapTail, noField, 0},
	{"full_message", kFullMessage, unwrapTail, noField, 0},

	{"stream", kStream, loggerKey, noField, 0},
	{"resourceLogs", kResourceLogs, 0, noField, 0},
	{"resource_logs", kResourceLogs, 0, noField, 0},
	{"scopeLogs", kScopeLogs, 0, noField, 0},
	{"scope_logs", kScopeLogs, 0, noField, 0},
	{"instrumentationLibraryLogs", kScopeLogs, 0, noField, 0},
	{"logRecords", kLogRecords, 0, noField, 0},
	{"log_records", kLogRecords, 0, noField, 0},
	{"attributes", kAttributes, loggerKey | group, noField, 0},
	{"attrs", kNone, loggerKey | group, noField, 0},
	{"streams", kStreams, 0, noField, 0},
	{"values", kValues, 0, noField, 0},
	{"result", kResult, 0, noField, 0},
	{"labels", kLabels, loggerKey | group, noField, 0},
	{"logs", kLogs, arguments, noField, 0},
	{"ecs", kECS, loggerKey, noField, 0},
	{"ecs.version", kECS, loggerKey, noField, 0},
	{"event_id", kEventID, loggerKey, noField, 0},
	{"sdk", kSDK, loggerKey, noField, 0},
	{"contexts", kContexts, loggerKey, noField, 0},
	{"host", kHost, loggerKey, noField, 0},

	{"time", kTime, loggerKey, fieldTime, 1},
	{"ts", kTS, loggerKey, fieldTime, 2},
	{"timestamp", kTimestamp, loggerKey, fieldTime, 3},
	{"@timestamp", kAtTimestamp, loggerKey, fieldTime, 4},
	{"date", kDate, loggerKey, fieldTime, 5},
	{"datetime", kNone, loggerKey, fieldTime, 6},
	{"asctime", kNone, loggerKey, fieldTime, 7},
	{"timeMillis", kNone, loggerKey, fieldTime, 8},
	{"timeUnixNano", kTimeUnixNano, loggerKey, fieldTime, 9},
	{"time_unix_nano", kTimeUnixNano, loggerKey, fieldTime, 9},
	{"observedTimeUnixNano", kObserved, loggerKey, fieldTime, 10},
	{"observed_time_unix_nano", kObserved, loggerKey, fieldTime, 10},
	{"_SOURCE_REALTIME_TIMESTAMP", kNone, loggerKey, fieldTime, 11},
	{"__REALTIME_TIMESTAMP", kRealtime, loggerKey, fieldTime, 12},

	{"level", kLevel, loggerKey, fieldLevel, 1},
	{"severity", kNone, loggerKey, fieldLevel, 2},
	{"lvl", kNone, loggerKey, fieldLevel, 3},
	{"log.level", kNone, loggerKey, fieldLevel, 4},
	{"levelname", kNone, loggerKey, fieldLevel, 5},
	{"levelName", kNone, loggerKey, fieldLevel, 5},
	{"level_name", kNone, loggerKey, fieldLevel, 5},
	{"loglevel", kNone, loggerKey, fieldLevel, 6},
	{"logLevel", kNone, loggerKey, fieldLevel, 6},
	{"log_level", kNone, loggerKey, fieldLevel, 6},
	{"severityNumber", kSeverityNumber, loggerKey, fieldLevel, 7},
	{"severity_number", kSeverityNumber, loggerKey, fieldLevel, 7},
	{"severityText", kNone, loggerKey, fieldLevel, 8},
	{"severity_text", kNone, loggerKey, fieldLevel, 8},
	{"PRIORITY", kPriority, loggerKey, fieldLevel, 9},

	{"userId", kNone, loggerKey, fieldUser, 1},
	{"user_id", kNone, loggerKey, fieldUser, 1},
	{"userid", kNone, loggerKey, fieldUser, 1},
	{"userID", kNone, loggerKey, fieldUser, 1},
	{"user.id", kNone, loggerKey, fieldUser, 1},
	{"enduser.id", kNone, loggerKey, fieldUser, 1},
	{"usr.id", kNone, loggerKey, fieldUser, 1},
	{"uid", kNone, loggerKey, fieldUser, 2},
	{"user", kUser, loggerKey | group, fieldUser, 3},
	{"username", kNone, loggerKey, fieldUser, 4},
	{"userName", kNone, loggerKey, fieldUser, 4},
	{"user_name", kNone, loggerKey, fieldUser, 4},
	{"user.name", kNone, loggerKey, fieldUser, 4},
	{"account", kNone, loggerKey, fieldUser, 5},
	{"accountId", kNone, loggerKey, fieldUser, 5},
	{"account_id", kNone, loggerKey, fieldUser, 5},

	{"deviceId", kNone, loggerKey, fieldDevice, 1},
	{"device_id", kNone, loggerKey, fieldDevice, 1},
	{"deviceid", kNone, loggerKey, fieldDevice, 1},
	{"deviceID", kNone, loggerKey, fieldDevice, 1},
	{"device.id", kNone, loggerKey, fieldDevice, 1},
	{"device", kDevice, loggerKey | group, fieldDevice, 2},
	{"resource", kResource, loggerKey | group, fieldDevice, 3},

	{"appVersion", kNone, loggerKey, fieldVersion, 1},
	{"app_version", kNone, loggerKey, fieldVersion, 1},
	{"appVer", kNone, loggerKey, fieldVersion, 1},
	{"app_ver", kNone, loggerKey, fieldVersion, 1},
	{"app.version", kNone, loggerKey, fieldVersion, 1},
	{"app.ver", kNone, loggerKey, fieldVersion, 1},
	{"version", kVersion, loggerKey, fieldVersion, 2},
	{"service.version", kNone, loggerKey, fieldVersion, 3},
	{"release", kNone, loggerKey, fieldVersion, 4},

	{"platform", kNone, loggerKey, fieldPlatform, 1},
	{"app.platform", kNone, loggerKey, fieldPlatform, 1},
	{"os.name", kNone, loggerKey, fieldPlatform, 2},
	{"os", kOS, loggerKey | group, fieldPlatform, 3},
	{"os.type", kNone, loggerKey, fieldPlatform, 4},

	{"app", kApp, loggerKey | group, noField, 0},
	{"service", kService, loggerKey | group, noField, 0},
	{"ctx", kNone, loggerKey | group, noField, 0},
	{"context", kNone, loggerKey | group, noField, 0},
	{"meta", kNone, loggerKey | group, noField, 0},
	{"metadata", kNone, loggerKey | group, noField, 0},
	{"extra", kNone, loggerKey | group, noField, 0},
	{"tags", kNone, loggerKey | group, noField, 0},
	{"fields", kNone, loggerKey | group, noField, 0},
	{"client", kNone, loggerKey | group, noField, 0},

	{"pid", kNone, loggerKey, noField, 0},
	{"hostname", kNone, loggerKey, noField, 0},
	{"v", kNone, loggerKey, noField, 0},
	{"logger", kNone, loggerKey, noField, 0},
	{"loggerName", kNone, loggerKey, noField, 0},
	{"logger_name", kNone, loggerKey, noField, 0},
	{"log.logger", kNone, loggerKey, noField, 0},
	{"category", kNone, loggerKey, noField, 0},
	{"categoryName", kNone, loggerKey, noField, 0},
	{"module", kNone, loggerKey, noField, 0},
	{"component", kNone, loggerKey, noField, 0},
	{"environment", kNone, loggerKey, noField, 0},
	{"env", kNone, loggerKey, noField, 0},
	{"label", kNone, loggerKey, noField, 0},
	{"tag", kNone, loggerKey, noField, 0},
	{"src", kNone, loggerKey, noField, 0},
	{"source", kNone, loggerKey, noField, 0},
	{"caller", kNone, loggerKey, noField, 0},
	{"file", kNone, loggerKey, noField, 0},
	{"func", kNone, loggerKey, noField, 0},
	{"function", kNone, loggerKey, noField, 0},
	{"thread", kNone, loggerKey, noField, 0},
	{"process", kNone, loggerKey, noField, 0},
	{"agent", kNone, loggerKey, noField, 0},
	{"kubernetes", kNone, loggerKey, noField, 0},
	{"ms", kNone, loggerKey, noField, 0},
	{"trace_id", kNone, loggerKey, noField, 0},
	{"traceId", kNone, loggerKey, noField, 0},
	{"trace.id", kNone, loggerKey, noField, 0},
	{"span_id", kNone, loggerKey, noField, 0},
	{"spanId", kNone, loggerKey, noField, 0},
	{"span.id", kNone, loggerKey, noField, 0},
	{"trace_flags", kNone, loggerKey, noField, 0},
	{"transaction.id", kNone, loggerKey, noField, 0},
	{"requestId", kNone, loggerKey, noField, 0},
	{"request_id", kNone, loggerKey, noField, 0},
	{"reqId", kNone, loggerKey, noField, 0},
	{"req_id", kNone, loggerKey, noField, 0},
	{"sessionId", kNone, loggerKey, noField, 0},
	{"session_id", kNone, loggerKey, noField, 0},
	{"session", kNone, loggerKey, noField, 0},
	{"correlationId", kNone, loggerKey, noField, 0},
	{"correlation_id", kNone, loggerKey, noField, 0},
	{"tenantId", kNone, loggerKey, noField, 0},
	{"appId", kNone, loggerKey, noField, 0},
	{"appKey", kNone, loggerKey, noField, 0},
}

// keyTable finds a keyInfo by name: open addressing over a hash of length and a few letters.
const keySlots = 1024

var keyTable = func() (t [keySlots]*keyInfo) {
	for i := range keyList {
		k := &keyList[i]
		h := keyHash([]byte(k.name))
		for t[h] != nil {
			h = (h + 1) % keySlots
		}
		t[h] = k
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
