package badgerstore_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"sluice/internal/effort"
	"sluice/storage/badgerstore"
	"sluice/storage/storetest"
)

// crashDir is the variable that makes the test binary the child of the crash
// test.
const crashDir = "SLUICE_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		fmt.Fprintln(os.Stderr, crashChild(dir))
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func crashChild(dir string) error {
	s, err := badgerstore.Open(dir, small())
	if err != nil {
		return err
	}
	return storetest.CrashChild(s, os.Stdout)
}

// TestKill kills a process with 16 writers again and again, at random moments;
// every second time also while it recovers.
func TestKill(t *testing.T) {
	cycles := effort.Of(5, 100, 1000)
	dir := t.TempDir()
	var acked storetest.Acknowledged
	total := 0
	var slowest time.Duration
	for cycle := range cycles {
		if cycle%2 == 1 {
			killSoon(t, dir, &acked)
		}
		total += killAfter(t, dir, &acked, 200+rand.IntN(2000))
		begin := time.Now()
		s, err := badgerstore.Open(dir, small())
		if err != nil {
			t.Fatalf("cycle %d: %v", cycle, err)
		}
		slowest = max(slowest, time.Since(begin))
		if err := storetest.CheckCrash(s, acked); err != nil {
			t.Fatalf("cycle %d, %d acknowledged: %v", cycle, total, err)
		}
		if acked, err = storetest.Stored(s); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d cycles, %d acknowledged commits, slowest open %v", cycles, total, slowest)
}

func child(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// killAfter kills a child after n acknowledgements and reads what it said until
// then.
func killAfter(t *testing.T, dir string, acked *storetest.Acknowledged, n int) int {
	t.Helper()
	cmd, lines := child(t, dir)
	count := acked.Read(lines, n)
	kill(t, cmd)
	count += acked.Read(lines, 1<<30)
	_ = cmd.Wait()
	if count < n {
		t.Fatalf("the child ended after %d of %d commits", count, n)
	}
	return count
}

// killSoon kills a child at a random moment of its first 80 ms.
func killSoon(t *testing.T, dir string, acked *storetest.Acknowledged) {
	t.Helper()
	cmd, lines := child(t, dir)
	timer := time.AfterFunc(time.Duration(rand.IntN(80))*time.Millisecond, func() { kill(t, cmd) })
	defer timer.Stop()
	acked.Read(lines, 1<<30)
	_ = cmd.Wait()
}

func kill(t *testing.T, cmd *exec.Cmd) {
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
}
