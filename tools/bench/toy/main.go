// Command toy counts error.type as most people's first version does: a Scanner, and gjson on each line. The benchmark
// runs it as a peer. It prints the number of errors.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/tidwall/gjson"
)

func main() {
	n, err := count(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "toy:", err)
		os.Exit(2)
	}
	fmt.Println(n)
}

func count(path string) (n int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	codes := map[string]int{}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if code := gjson.GetBytes(lines.Bytes(), "error.type"); code.Exists() {
			codes[code.Raw]++
			n++
		}
	}
	return n, lines.Err()
}
