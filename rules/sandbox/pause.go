package sandbox

import (
	"context"
	"slices"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// withPauses has the engine tell the host when a guest of a module that is compiled
// with the returned context pauses. What compiles a module for the cache and what reads
// it from there must do so alike.
func withPauses(ctx context.Context) context.Context {
	return experimental.WithFunctionListenerFactory(ctx, pauses{})
}

// pauses listens to the one function that the metering adds for that. While it does,
// the goroutine of the guest is in Go code: a garbage collection that waits for it can
// begin, and it may wait itself.
type pauses struct{}

// NewFunctionListener implements experimental.FunctionListenerFactory.
func (p pauses) NewFunctionListener(def api.FunctionDefinition) experimental.FunctionListener {
	if slices.Contains(def.ExportNames(), exportPause) {
		return p
	}
	return nil
}

// guestKey is where the context of a call has its guest.
type guestKey struct{}

// inside is the context that the engine gets for a call: who asks, and the guest. It is
// part of the guest, so that a call makes none.
type inside struct {
	context.Context

	g *guest
}

// Value implements [context.Context].
func (c *inside) Value(key any) any {
	if key == (guestKey{}) {
		return c.g
	}
	return c.Context.Value(key)
}

// Before implements experimental.FunctionListener. A guest that may not go on has no
// fuel left when it returns.
func (pauses) Before(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	g, ok := ctx.Value(guestKey{}).(*guest)
	if !ok || g.at == nil || int64(g.fuel.Get()) < 0 {
		return
	}
	if g.stopped = g.standBack(); g.stopped != nil {
		g.fuel.Set(^uint64(0))
	}
}

// After implements experimental.FunctionListener. The slice that the guest has begun
// itself is as long as they are at most.
func (pauses) After(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64) {
	if g, ok := ctx.Value(guestKey{}).(*guest); ok && g.at != nil {
		g.cut(int64(g.fuel.Get()))
	}
}

// Abort implements experimental.FunctionListener.
func (pauses) Abort(context.Context, api.Module, api.FunctionDefinition, error) {}

// standBack lets tenants that have spent less go first at a pause. The error is that of
// the context of the call, where it has ended.
func (g *guest) standBack() error {
	g.paid += g.slice * g.weight
	g.at.owed += g.slice * g.weight
	g.at.vain = g.weight == g.v.limits.weight
	if g.at.short *= 2; g.at.short >= g.v.limits.slice {
		g.at.short = 0
	}
	return g.at.take(g.inside.Context)
}
