// Command discard reads a log as imerr-scan does, compression taken off by the same decoder, and throws the bytes away. The
// benchmark runs it as the floor of what reading costs. - is stdin.
package main

import (
	"fmt"
	"io"
	"os"

	"imerr-scan/internal/source"
)

func main() {
	if err := discard(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "discard:", err)
		os.Exit(2)
	}
}

func discard(names []string) error {
	items, problems := source.Expand(names)
	if len(problems) > 0 {
		return problems[0]
	}
	buf := make([]byte, 256<<10)
	for _, it := range items {
		in, err := source.Open(it)
		if err != nil {
			return err
		}
		if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, in.Reader, buf); err != nil {
			return err
		}
		if err := in.Close(); err != nil {
			return err
		}
	}
	return nil
}
