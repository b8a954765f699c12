package frame_test

import (
	"fmt"
	"strings"

	"imerr-scan/internal/frame"
)

func Example() {
	log := `{"level":"info","type":"txt"}
12:00:01 kicked {
  type: 206,
  message: 'the user is already logged on another device'
}
{"error":{"type":509}}`
	c := frame.New(frame.Options{})
	emit := func(d frame.Document) error {
		fmt.Printf("line %d, %d lines: %.20q\n", d.Line, d.Lines, d.Data)
		return nil
	}
	if err := c.Cut(strings.NewReader(log), emit); err != nil {
		fmt.Println(err)
	}
	if err := c.Flush(emit); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("%+v\n", c.Counts())
	// Output:
	// line 1, 4 lines: "12:00:01 kicked {\n  "
	// line 5, 1 lines: "{\"error\":{\"type\":509"
	// {Bytes:143 Lines:6 Empty:0}
}
