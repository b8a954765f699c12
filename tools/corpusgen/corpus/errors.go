package corpus

import "strconv"

// sdkError is one error object as the SDK writes it.
type sdkError struct {
	code   int
	name   string // "" for a code that is in no catalog
	body   string // the members after type, beginning with a comma
	reason string // the ID of the text's reason, if the SDK is known to write it
	share  int    // of the background, in parts of shares
}

func (e sdkError) codeString() string { return strconv.Itoa(e.code) }

// appendObject appends the error object; sep stands after the colon of type.
func (e sdkError) appendObject(b []byte, sep string) []byte {
	b = append(b, `{"type":`...)
	b = append(b, sep...)
	b = strconv.AppendInt(b, int64(e.code), 10)
	b = append(b, e.body...)
	return append(b, '}')
}

// The errors that storms are made of.
var (
	kicked          = sdkError{code: 206, name: "WEBIM_CONNCTION_USER_LOGIN_ANOTHER_DEVICE", body: `,"message":"the user is already logged on another device"`, reason: "other_device_login"}
	kickedByAPI     = sdkError{code: 217, name: "WEBIM_CONNCTION_USER_KICKED_BY_OTHER_DEVICE", body: `,"message":"the user was kicked by other device"`, reason: "kicked"}
	passwordChanged = sdkError{code: 216, name: "WEBIM_CONNCTION_USER_KICKED_BY_CHANGE_PASSWORD", body: `,"message":"the user was kicked by changing password"`, reason: "password_changed"}
	closed          = sdkError{code: 39, name: "WEBIM_CONNECTION_CLOSED", body: `,"message":"not login"`, reason: "not_login"}
	activeUsersUsed = sdkError{code: 50, name: "MAX_LIMIT", body: `,"message":"the app's monthly active user limit is reached"`, reason: "mau"}
)

// background lists the errors of an ordinary day. Texts are those of the SDK (web 4.21.1) where a reason is given.
var background = []sdkError{
	share(closed, 300),
	{code: 509, name: "MESSAGE_CURRENT_LIMITING", body: `,"message":"traffic limit"`, reason: "rate", share: 110},
	{code: 507, name: "SERVICE_NOT_ALLOW_MESSAGING_MUTE", body: `,"reason":"you were muted"`, reason: "muted", share: 95},
	{code: 512, name: "MESSAGE_SEND_TIMEOUT", body: `,"message":"send message timeout"`, reason: "no_ack", share: 80},
	share(kicked, 75),
	{code: 28, name: "WEBIM_CONNCTION_TOKEN_NOT_ASSIGN_ERROR", body: `,"message":"token not assign error"`, reason: "token_missing", share: 60},
	{code: -1, name: "REQUEST_TIMEOUT", body: `,"message":"connection timeout"`, reason: "connect_timeout", share: 50},
	{code: 704, name: "CHATROOM_MEMBERS_FULL", body: `,"message":"group member list is full!"`, reason: "room_full", share: 40},
	{code: 606, name: "GROUP_MEMBERS_FULL", body: `,"message":"group member list is full!"`, reason: "group_full", share: 38},
	{code: 1, name: "WEBIM_CONNCTION_OPEN_ERROR", body: `,"message":"login failed","data":{"type":-2,"message":"Request Unknow Error"}`, reason: "login_failed", share: 30},
	{code: 17, name: "WEBIM_CONNCTION_AJAX_ERROR", body: `,"message":"fetch history messages error"`, reason: "history_failed", share: 25},
	share(kickedByAPI, 20),
	{code: 40, name: "WEBIM_CONNECTION_ERROR", body: `,"message":"on socket error"`, reason: "socket_error", share: 15},
	{code: 2, name: "WEBIM_CONNCTION_AUTH_ERROR", body: `,"message":"Auth failed"`, reason: "auth_failed", share: 12},
	{code: 505, name: "SERVICE_NOT_ENABLED", body: `,"message":"message recall disabled"`, reason: "recall", share: 10},
	{code: 602, name: "GROUP_NOT_JOINED", body: `,"message":"","data":""`, share: 10},
	{code: 221, name: "USER_NOT_FRIEND", body: `,"message":"not contact"`, share: 10},
	share(passwordChanged, 8),
	{code: 1305, body: `,"message":"thread is archived"`, share: 14},
	{code: 777, body: `,"message":""`, share: 6},
}

// shares is the sum of the shares of background.
var shares = func() (sum int) {
	for _, e := range background {
		sum += e.share
	}
	return sum
}()

func share(e sdkError, n int) sdkError {
	e.share = n
	return e
}

// pick returns an error of an ordinary day.
func (g *gen) pick() sdkError {
	n := g.rand.n(shares)
	for _, e := range background {
		if n -= e.share; n < 0 {
			return e
		}
	}
	panic("corpus: shares do not add up")
}
