package driver

import (
	"bytes"
	"slices"
	"sort"
)

// fanout bounds the entries of a tree node.
const fanout = 32

// Tree is a sorted map from bytes to V that can be copied in constant time:
// Snapshot returns a copy that later changes of the original do not show. The
// zero Tree is empty. It is not safe for concurrent use; a snapshot that nobody
// changes may be read from any number of goroutines.
//
// Keys are kept, not copied: they must not change.
type Tree[V any] struct {
	root  *node[V]
	size  int
	owner *owner
}

// owner marks the nodes that one Tree may change in place. It must not have
// size zero: addresses of such values are not distinct.
type owner struct{ _ byte }

// node is a leaf (vals) or an inner node (kids). In an inner node keys[i] is a
// lower bound of every key under kids[i]; keys[0] is not looked at.
type node[V any] struct {
	owner *owner
	keys  [][]byte
	vals  []V
	kids  []*node[V]
}

// Len returns the number of keys.
func (t *Tree[V]) Len() int { return t.size }

// Snapshot returns a copy that shares all nodes with t.
func (t *Tree[V]) Snapshot() Tree[V] {
	t.owner = nil
	return Tree[V]{root: t.root, size: t.size}
}

// Get returns the value of key.
func (t *Tree[V]) Get(key []byte) (v V, found bool) {
	n := t.root
	if n == nil {
		return v, false
	}
	for n.kids != nil {
		n = n.kids[n.child(key)]
	}
	if i, ok := n.search(key); ok {
		return n.vals[i], true
	}
	return v, false
}

// Set gives key the value v.
func (t *Tree[V]) Set(key []byte, v V) {
	if t.owner == nil {
		t.owner = new(owner)
	}
	if t.root == nil {
		t.root = &node[V]{owner: t.owner, keys: [][]byte{key}, vals: []V{v}}
		t.size = 1
		return
	}
	t.root = t.own(t.root)
	if right := t.insert(t.root, key, v); right != nil {
		left := t.root
		t.root = &node[V]{owner: t.owner, keys: [][]byte{left.keys[0], right.keys[0]}, kids: []*node[V]{left, right}}
	}
}

// Delete removes key and reports whether it was there.
func (t *Tree[V]) Delete(key []byte) bool {
	if _, found := t.Get(key); !found {
		return false
	}
	if t.owner == nil {
		t.owner = new(owner)
	}
	t.root = t.own(t.root)
	t.remove(t.root, key)
	t.size--
	for t.root != nil && t.root.kids != nil && len(t.root.kids) == 1 {
		t.root = t.root.kids[0]
	}
	if t.size == 0 {
		t.root = nil
	}
	return true
}

// own returns n itself when the tree may change it, else a copy.
func (t *Tree[V]) own(n *node[V]) *node[V] {
	if n.owner == t.owner {
		return n
	}
	return &node[V]{owner: t.owner, keys: slices.Clone(n.keys), vals: slices.Clone(n.vals), kids: slices.Clone(n.kids)}
}

// insert puts the key under n, which is owned, and returns the new right
// sibling when n had to be split.
func (t *Tree[V]) insert(n *node[V], key []byte, v V) (right *node[V]) {
	if n.kids == nil {
		i, found := n.search(key)
		if found {
			n.vals[i] = v
			return nil
		}
		n.keys = slices.Insert(n.keys, i, key)
		n.vals = slices.Insert(n.vals, i, v)
		t.size++
		return t.split(n)
	}
	i := n.child(key)
	kid := t.own(n.kids[i])
	n.kids[i] = kid
	if r := t.insert(kid, key, v); r != nil {
		n.keys = slices.Insert(n.keys, i+1, r.keys[0])
		n.kids = slices.Insert(n.kids, i+1, r)
	}
	return t.split(n)
}

func (t *Tree[V]) split(n *node[V]) *node[V] {
	if len(n.keys) <= fanout {
		return nil
	}
	h := len(n.keys) / 2
	right := &node[V]{owner: t.owner, keys: slices.Clone(n.keys[h:])}
	if n.kids == nil {
		right.vals = slices.Clone(n.vals[h:])
		n.vals = slices.Delete(n.vals, h, len(n.vals))
	} else {
		right.kids = slices.Clone(n.kids[h:])
		n.kids = slices.Delete(n.kids, h, len(n.kids))
	}
	n.keys = slices.Delete(n.keys, h, len(n.keys))
	return right
}

// remove takes the key, which exists, from under n, which is owned. Nodes are
// not merged: only empty ones go.
func (t *Tree[V]) remove(n *node[V], key []byte) {
	if n.kids == nil {
		i, _ := n.search(key)
		n.keys = slices.Delete(n.keys, i, i+1)
		n.vals = slices.Delete(n.vals, i, i+1)
		return
	}
	i := n.child(key)
	kid := t.own(n.kids[i])
	n.kids[i] = kid
	t.remove(kid, key)
	if len(kid.keys) == 0 {
		n.keys = slices.Delete(n.keys, i, i+1)
		n.kids = slices.Delete(n.kids, i, i+1)
	}
}

// search returns the place of the first key ≥ key, and whether it is equal.
func (n *node[V]) search(key []byte) (int, bool) {
	return slices.BinarySearchFunc(n.keys, key, bytes.Compare)
}

// child returns the place of the child that key belongs under.
func (n *node[V]) child(key []byte) int {
	return sort.Search(len(n.keys)-1, func(i int) bool { return bytes.Compare(n.keys[i+1], key) > 0 })
}

// Iter walks a Tree in both directions. It stands on a key or nowhere. The tree
// must not be changed while it is used; take a Snapshot for that.
type Iter[V any] struct {
	root  *node[V]
	stack []frame[V]
}

type frame[V any] struct {
	n *node[V]
	i int
}

// Iter returns an iterator that stands nowhere.
func (t *Tree[V]) Iter() Iter[V] { return Iter[V]{root: t.root} }

// Valid reports whether the iterator stands on a key.
func (it *Iter[V]) Valid() bool { return len(it.stack) > 0 }

// Key and Value return what the iterator stands on; Valid must hold.
func (it *Iter[V]) Key() []byte {
	f := it.stack[len(it.stack)-1]
	return f.n.keys[f.i]
}

// Value returns the value under the iterator.
func (it *Iter[V]) Value() V {
	f := it.stack[len(it.stack)-1]
	return f.n.vals[f.i]
}

// Seek moves to the first key ≥ key.
func (it *Iter[V]) Seek(key []byte) {
	leaf := it.descend(key)
	if leaf == nil {
		return
	}
	leaf.i, _ = leaf.n.search(key)
	if leaf.i == len(leaf.n.keys) {
		leaf.i--
		it.Next()
	}
}

// SeekBack moves to the last key ≤ key.
func (it *Iter[V]) SeekBack(key []byte) {
	leaf := it.descend(key)
	if leaf == nil {
		return
	}
	i, found := leaf.n.search(key)
	if found {
		leaf.i = i
		return
	}
	if i > 0 {
		leaf.i = i - 1
		return
	}
	leaf.i = 0
	it.Prev()
}

// Last moves to the last key.
func (it *Iter[V]) Last() {
	it.stack = it.stack[:0]
	if it.root != nil {
		it.push(it.root, true)
	}
}

// Next moves to the next key in ascending order.
func (it *Iter[V]) Next() {
	for d := len(it.stack) - 1; d >= 0; d-- {
		f := &it.stack[d]
		if f.i+1 < len(f.n.keys) {
			f.i++
			it.stack = it.stack[:d+1]
			if f.n.kids != nil {
				it.push(f.n.kids[f.i], false)
			}
			return
		}
	}
	it.stack = it.stack[:0]
}

// Prev moves to the next key in descending order.
func (it *Iter[V]) Prev() {
	for d := len(it.stack) - 1; d >= 0; d-- {
		f := &it.stack[d]
		if f.i > 0 {
			f.i--
			it.stack = it.stack[:d+1]
			if f.n.kids != nil {
				it.push(f.n.kids[f.i], true)
			}
			return
		}
	}
	it.stack = it.stack[:0]
}

// descend makes the stack the path to the leaf that key belongs in.
func (it *Iter[V]) descend(key []byte) *frame[V] {
	it.stack = it.stack[:0]
	n := it.root
	if n == nil {
		return nil
	}
	for n.kids != nil {
		i := n.child(key)
		it.stack = append(it.stack, frame[V]{n, i})
		n = n.kids[i]
	}
	it.stack = append(it.stack, frame[V]{n, 0})
	return &it.stack[len(it.stack)-1]
}

// push goes down the first or last edge from n.
func (it *Iter[V]) push(n *node[V], last bool) {
	for {
		i := 0
		if last {
			i = len(n.keys) - 1
		}
		it.stack = append(it.stack, frame[V]{n, i})
		if n.kids == nil {
			return
		}
		n = n.kids[i]
	}
}
