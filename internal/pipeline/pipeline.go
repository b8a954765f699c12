// Package pipeline joins the stages, from blocks to a tally, with several workers and one order.
package pipeline
