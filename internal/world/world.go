package world

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"sluice/internal/definition"
	"sluice/internal/identity"
	"sluice/internal/oracle"
	"sluice/internal/record"
)

// World is the oracle's input.
type World = oracle.World

// Size bounds a random world. Each figure is a maximum.
type Size struct {
	Users, Records, Forms, Roles, Sets, Reports, Sharing, Custom, Saved int // Records and Reports per form
}

// The sizes that tests use: many Small worlds and a few Large ones.
var (
	Small = Size{Users: 8, Records: 24, Forms: 4, Roles: 6, Sets: 4, Reports: 2, Sharing: 6, Custom: 2, Saved: 3}
	Large = Size{Users: 120, Records: 1500, Forms: 6, Roles: 40, Sets: 12, Reports: 4, Sharing: 24, Custom: 4, Saved: 12}
)

// gen is a world being made.
type gen struct {
	*rand.Rand
	w    *World
	size Size
	gone []record.ID // deleted users
	ids  map[record.ID]bool
	base uint64 // milliseconds of the first id
}

// Random makes a world. Equal seeds and sizes give equal worlds.
func Random(seed uint64, size Size) *World {
	g := &gen{
		Rand: rand.New(rand.NewPCG(seed, 0x5eed)), size: size, ids: map[record.ID]bool{}, base: 1_750_000_000_000,
		w: &World{Seed: seed, Records: map[string][]*oracle.Record{}, Modules: map[string]oracle.Module{}},
	}
	g.w.App = &definition.Application{
		Name: "app", Version: 1, Hierarchy: g.chance(0.6), Users: map[string]record.ID{},
		Attributes: []record.Field{
			{Number: 1, Name: "region", Type: record.Text},
			{Number: 2, Name: "team", Type: record.Choice, Choices: choices},
			{Number: 3, Name: "rank", Type: record.Integer},
		},
	}
	g.roles()
	g.people()
	g.forms()
	g.records()
	g.reports()
	g.sets()
	g.assign()
	g.sharing()
	g.custom()
	g.hides()
	g.saved()
	return g.w
}

func (g *gen) chance(p float64) bool { return g.Float64() < p }

// upTo returns a number from low to high, both included.
func (g *gen) upTo(low, high int) int {
	if high <= low {
		return low
	}
	return low + g.IntN(high-low+1)
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// weighted returns an index: i with a chance in proportion to weights[i].
func (g *gen) weighted(weights ...int) int {
	sum := 0
	for _, n := range weights {
		sum += n
	}
	n := g.IntN(sum)
	for i, weight := range weights {
		if n < weight {
			return i
		}
		n -= weight
	}
	return 0
}

// id makes a version 7 id within a few seconds of the others, so that order of
// ids and order of making differ.
func (g *gen) id() (id record.ID) {
	for {
		binary.BigEndian.PutUint64(id[:8], (g.base+g.Uint64N(5000))<<16|g.Uint64N(1<<16))
		binary.BigEndian.PutUint64(id[8:], g.Uint64())
		id[6] = id[6]&0x0f | 0x70
		id[8] = id[8]&0x3f | 0x80
		if !g.ids[id] {
			g.ids[id] = true
			return id
		}
	}
}

func (g *gen) live() []*oracle.User { return g.of(identity.Live) }

func (g *gen) of(kinds ...identity.Kind) (us []*oracle.User) {
	for _, u := range g.w.Users {
		if slices.Contains(kinds, u.Kind) {
			us = append(us, u)
		}
	}
	return us
}
