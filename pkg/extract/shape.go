package extract

// Shape names how a code was found: the outermost envelope if there is one, else the form of the record itself. The zero
// value is Flat.
type Shape uint8

const (
	Flat     Shape = iota // an object of one JSON record: {"error":{"type":206}}
	Dotted                // a literal dotted key: {"error.type":206}
	TextJSON              // JSON with text before or after it on the line
	Docker                // docker json-file
	CRI                   // containerd, CRI-O
	Syslog                // RFC 3164, RFC 5424, journalctl -o short
	Journald              // journalctl -o json
	GELF                  // Graylog
	Loki                  // push format and logcli -o jsonl
	Fluentd               // time tag record, and records with a log string
	Logfmt                // key=value
	Nested                // JSON inside a string of the record
	Args                  // an array of console arguments
	Cause                 // the cause of another error
	OnLog                 // what the SDK gives to its onLog callback
	SDKLog                // the text that the SDK's logger.download() saves
	OTLP                  // OpenTelemetry logs as JSON
	ECS                   // Elastic common schema
	Sentry                // a Sentry event
	Array                 // an array of records
	Multi                 // one of several documents on a line
	Pretty                // a document over several lines
	Inspect               // Node's util.inspect: { type: 206, message: '…' }
	CutOff                // a document whose end is missing
	numShapes
)

var shapeNames = [numShapes]string{"flat", "dotted", "text_json", "docker", "cri", "syslog", "journald", "gelf", "loki",
	"fluentd", "logfmt", "nested", "args", "cause", "onlog", "sdklog", "otlp", "ecs", "sentry", "array", "multi", "pretty",
	"inspect", "cut_off"}

// String returns the name used in results: flat, text_json, cut_off …
func (s Shape) String() string {
	if s < numShapes {
		return shapeNames[s]
	}
	return "unknown"
}
