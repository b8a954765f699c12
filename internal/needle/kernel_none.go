//go:build !amd64 || purego

package needle

const hasKernel = false

func kernel(*byte, int, int, int, int, *Edges) (stop, start, passed int, why reason) {
	panic("needle: no kernel for this CPU")
}
