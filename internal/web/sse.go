package web

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"time"
)

// message is a server-sent event, compressed once for all who get it: deflated by itself and ended at a byte, it can follow any
// other in a stream of gzip.
type message struct{ plain, deflated []byte }

// newMessage makes an event of a text.
func newMessage(name string, text []byte) message {
	var b bytes.Buffer
	b.WriteString("event: " + name + "\n")
	for line := range bytes.SplitSeq(bytes.TrimSpace(text), []byte("\n")) {
		b.WriteString("data: ")
		b.Write(bytes.ReplaceAll(line, []byte("\r"), nil)) // which would end a line as well
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return pack(b.Bytes())
}

func pack(plain []byte) message {
	var b bytes.Buffer
	z, _ := flate.NewWriter(&b, flate.BestSpeed) // the level is one
	_, _ = z.Write(plain)                        // a buffer takes all
	_ = z.Flush()
	return message{plain, b.Bytes()}
}

// withRetry also says how long to wait before connecting again.
func (m message) withRetry() message {
	return pack(append([]byte("retry: 2000\n"), m.plain...))
}

// viewer is one open stream.
type viewer struct {
	w    http.ResponseWriter
	rc   *http.ResponseController
	gzip bool
	open bool
	sum  uint32
	size uint32
}

func newViewer(w http.ResponseWriter, gzip bool) *viewer {
	v := &viewer{w: w, rc: http.NewResponseController(w), gzip: gzip}
	if gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	return v
}

var (
	gzipHead  = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff} // deflate, no name, no time (RFC 1952)
	lastBlock = []byte{1, 0, 0, 0xff, 0xff}                   // an empty one (RFC 1951, 3.2.4)
)

// send writes messages; after an error the viewer is gone, or too slow.
func (v *viewer) send(list []message) error {
	var b []byte
	if v.gzip && !v.open {
		b = append(b, gzipHead...)
		v.open = true
	}
	for _, m := range list {
		if !v.gzip {
			b = append(b, m.plain...)
			continue
		}
		b = append(b, m.deflated...)
		v.sum = crc32.Update(v.sum, crc32.IEEETable, m.plain)
		v.size += uint32(len(m.plain)) // modulo 2^32, as RFC 1952 wants it
	}
	return v.write(b)
}

// end closes the stream in order.
func (v *viewer) end() {
	if v.gzip && v.open {
		b := binary.LittleEndian.AppendUint32(bytes.Clone(lastBlock), v.sum)
		_ = v.write(binary.LittleEndian.AppendUint32(b, v.size)) // it is the end anyway
	}
}

func (v *viewer) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_ = v.rc.SetWriteDeadline(time.Now().Add(patience)) // what cannot set it has none
	if _, err := v.w.Write(b); err != nil {
		return err
	}
	return v.rc.Flush()
}
