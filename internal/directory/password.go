package directory

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"

	"sluice/internal/fault"
)

// hashParams are the cost of one argon2id hash.
type hashParams struct {
	memory uint32 // KiB
	time   uint32
	lanes  uint8
}

const (
	defaultHashMemory = 64 << 10
	hashTime          = 3
	hashLanes         = 1
	saltBytes         = 16
	sumBytes          = 32
	// maxHashMemory bounds what a stored hash may ask for, in KiB.
	maxHashMemory = 1 << 20
	// hashQueue is how many callers may wait for a hash; more are refused.
	hashQueue = 64
)

// hasher hashes and verifies passwords, a bounded number at a time: one hash
// takes 64 MiB, and sign-ins that nobody limited would take all memory.
type hasher struct {
	params  hashParams
	slots   chan struct{}
	waiting atomic.Int64
}

func newHasher(memory uint32) *hasher {
	return &hasher{
		params: hashParams{memory: memory, time: hashTime, lanes: hashLanes},
		slots:  make(chan struct{}, max(1, min(4, runtime.GOMAXPROCS(0)))),
	}
}

// acquire waits for a slot; release gives it back.
func (h *hasher) acquire(ctx context.Context) error {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > hashQueue {
		return fault.New(fault.Unavailable, "directory.hash", "too many sign-ins at once; try again")
	}
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Unavailable, "directory.hash", ctx.Err(), "too many sign-ins at once; try again")
	}
}

func (h *hasher) release() { <-h.slots }

// hash returns the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	defer h.release()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	return h.params.encode(salt, h.params.sum(password, salt, sumBytes)), nil
}

// verify reports whether the password belongs to the PHC string, and whether
// the string was made at another cost than today's. An empty or damaged string
// costs a hash as well and is false.
func (h *hasher) verify(ctx context.Context, phc, password string) (ok, stale bool, err error) {
	if err := h.acquire(ctx); err != nil {
		return false, false, err
	}
	defer h.release()
	p, salt, want, parsed := parsePHC(phc)
	if !parsed {
		p, salt, want = h.params, make([]byte, saltBytes), make([]byte, sumBytes)
	}
	same := subtle.ConstantTimeCompare(p.sum(password, salt, uint32(len(want))), want) == 1
	return same && parsed, p != h.params, nil
}

func (p hashParams) sum(password string, salt []byte, n uint32) []byte {
	return argon2.IDKey([]byte(password), salt, p.time, p.memory, p.lanes, n)
}

var phcBase = base64.RawStdEncoding.Strict()

func (p hashParams) encode(salt, sum []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.time, p.lanes,
		phcBase.EncodeToString(salt), phcBase.EncodeToString(sum))
}

// parsePHC is the inverse of encode and refuses costs out of bounds.
func parsePHC(s string) (p hashParams, salt, sum []byte, ok bool) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, false
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.lanes); n != 3 || err != nil {
		return p, nil, nil, false
	}
	salt, err := phcBase.DecodeString(parts[4])
	sum, err2 := phcBase.DecodeString(parts[5])
	bounded := p.memory >= 8 && p.memory <= maxHashMemory && p.time >= 1 && p.time <= 16 && p.lanes >= 1
	if err != nil || err2 != nil || !bounded || len(salt) < 8 || len(sum) < 16 || len(sum) > math.MaxUint8 {
		return p, nil, nil, false
	}
	return p, salt, sum, p.encode(salt, sum) == s
}
