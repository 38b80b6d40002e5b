package engine

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"sluice/internal/effort"
)

// firstSeed() begins the sequence of random worlds, SLUICE_SEED another one. A
// failing test prints the seed of its world.
func firstSeed() uint64 {
	if n, ok := number("SLUICE_SEED"); ok {
		return n
	}
	return 20_261_122
}

// number reads a variable of the environment that holds a number.
func number(name string) (uint64, bool) {
	text := os.Getenv(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		panic(name + ": " + err.Error())
	}
	return n, true
}

// worlds returns how many worlds a test runs: few on a developer's machine, all
// in a night, and a part of those in continuous integration.
func worlds(few, all int) int { return effort.Of(few, max(few, all/5), all) }

// sharded runs f for 0 to n-1, spread over sub-tests that run in parallel.
func sharded(t *testing.T, n int, f func(t *testing.T, i int)) {
	t.Helper()
	const shards = 16
	t.Run("shards", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprintf("%02d", shard), func(t *testing.T) {
				t.Parallel()
				for i := shard; i < n; i += shards {
					f(t, i)
				}
			})
		}
	})
}
