package filter

import (
	"encoding/binary"
	"slices"

	"sluice/internal/record"
)

// Fields returns the fields of the record itself that e reads, each once, in
// order of their numbers, lookups of Related and lists of Quantified included. What
// else Quantified reads is of other records.
func Fields(e Expr) []record.Field {
	var fs []record.Field
	collect(e, &fs)
	slices.SortFunc(fs, func(a, b record.Field) int { return int(a.Number) - int(b.Number) })
	return slices.CompactFunc(fs, func(a, b record.Field) bool { return a.Number == b.Number })
}

func collect(e Expr, fs *[]record.Field) {
	switch e := e.(type) {
	case And:
		for _, x := range e {
			collect(x, fs)
		}
	case Or:
		for _, x := range e {
			collect(x, fs)
		}
	case Not:
		collect(e.X, fs)
	case *Compare:
		*fs = append(*fs, e.Field)
	case *Related:
		*fs = append(*fs, e.Field)
	case *Search:
		*fs = append(*fs, e.Fields...)
	case *Quantified:
		if e.Listed() {
			*fs = append(*fs, e.List)
		}
	}
}

// AppendCanonical appends an unambiguous encoding of e: equal encodings mean
// the same filter. Cursors are bound to it. It is a prefix code, so that what
// follows it cannot be taken for a part of it. Fields stand as numbers, so that
// the encoding survives a rename.
func AppendCanonical(dst []byte, e Expr) []byte {
	switch e := e.(type) {
	case And:
		return appendOperands(append(dst, 'a'), e)
	case Or:
		return appendOperands(append(dst, 'o'), e)
	case Not:
		return AppendCanonical(append(dst, 'n'), e.X)
	case *Compare:
		dst = append(appendField(append(dst, 'c'), &e.Field), byte(e.Op))
		dst = binary.AppendUvarint(dst, uint64(len(e.Args)))
		for _, a := range e.Args {
			dst = appendOperand(dst, a)
		}
		return dst
	case *Related:
		return AppendCanonical(appendField(append(dst, 'r'), &e.Field), e.Where)
	case *Search:
		dst = binary.AppendUvarint(append(dst, 's'), uint64(len(e.Fields)))
		for i := range e.Fields {
			dst = appendField(dst, &e.Fields[i])
		}
		dst = binary.AppendUvarint(dst, uint64(len(e.Query)))
		return append(dst, e.Query...)
	case *Quantified:
		if e.Listed() {
			return AppendCanonical(appendField(append(dst, 'l', byte(e.Kind)), &e.List), e.Where)
		}
		dst = binary.AppendUvarint(append(dst, 'q', byte(e.Kind)), uint64(e.By.Form))
		return AppendCanonical(appendField(dst, &e.By.Lookup), e.Where)
	}
	return append(dst, 0)
}

func appendOperands(dst []byte, es []Expr) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(es)))
	for _, e := range es {
		dst = AppendCanonical(dst, e)
	}
	return dst
}

func appendField(dst []byte, f *record.Field) []byte {
	dst = binary.AppendUvarint(dst, uint64(f.Number))
	dst = append(dst, byte(f.Type), f.Scale)
	return binary.AppendUvarint(dst, uint64(f.Target))
}

func appendOperand(dst []byte, a Operand) []byte {
	if a.Viewer {
		return append(dst, 'v')
	}
	dst = append(dst, byte(a.Value.Kind()))
	switch a.Value.Kind() {
	case record.KindBool:
		if a.Value.Bool() {
			return append(dst, 1)
		}
		return append(dst, 0)
	case record.KindInt:
		return binary.BigEndian.AppendUint64(dst, uint64(a.Value.Int()))
	case record.KindText:
		dst = binary.AppendUvarint(dst, uint64(len(a.Value.Text())))
		return append(dst, a.Value.Text()...)
	case record.KindRef:
		id := a.Value.Ref()
		return append(dst, id[:]...)
	case record.KindList:
		dst = binary.AppendUvarint(dst, uint64(len(a.Value.List())))
		for _, item := range a.Value.List() {
			dst = binary.AppendUvarint(dst, uint64(len(item)))
			dst = append(dst, item...)
		}
	}
	return dst
}
