package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interrupts returns a context that ends at the first SIGINT or SIGTERM; a second one ends the process with 130. When
// stdin is a pipe the same Ctrl-C ends its writer, so what is still in the pipe is read first: the context then ends only
// if the pipe has not within grace.
func interrupts(parent context.Context, pipe bool) (context.Context, func()) {
	const grace = 2 * time.Second
	ctx, cancel := context.WithCancel(parent)
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-ch:
			if pipe && s == os.Interrupt {
				select {
				case <-ch:
					os.Exit(exitInterrupted)
				case <-time.After(grace):
				case <-done:
					return
				}
			}
			cancel()
		case <-done:
			return
		}
		select {
		case <-ch:
			os.Exit(exitInterrupted)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		close(done)
		cancel()
	}
}
