package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/fault"
)

func kill() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) }

// showLimits tells of each limit what is left of it, "cpu=10/10".
func showLimits() string {
	var b strings.Builder
	for _, l := range []struct {
		name     string
		resource int
	}{{"cpu", syscall.RLIMIT_CPU}, {"file", syscall.RLIMIT_FSIZE}, {"files", syscall.RLIMIT_NOFILE}, {"core", syscall.RLIMIT_CORE}} {
		var r syscall.Rlimit
		_ = syscall.Getrlimit(l.resource, &r)
		fmt.Fprintf(&b, "%s=%d/%d ", l.name, r.Cur, r.Max)
	}
	var r syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_AS, &r)
	size, _ := addressSpace()
	fmt.Fprintf(&b, "memory=%t env=%d", r.Cur == r.Max && r.Cur > childMemory && r.Cur < size+childMemory+1, len(os.Environ()))
	return b.String()
}

// TestChildLimits: the child has limits that it cannot raise, and no environment.
func TestChildLimits(t *testing.T) {
	dir := t.TempDir()
	if err := child("child-shows-limits", childWall)(bg, probe, dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "limits"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("cpu=%d/%d file=67108864/67108864 files=32/32 core=0/0 memory=true env=0", childCPU, childCPU); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestMemoryBombDies: a child that takes memory without end ends inside its limit.
func TestMemoryBombDies(t *testing.T) {
	dir := t.TempDir()
	err := child("child-eats-memory", childWall)(bg, probe, dir)
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "1024 MiB of memory") {
		t.Errorf("got %v, expected a refusal that names the limit of memory", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("the child got past its limit and left %v", left)
	}
}
