package definition

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sluice/internal/record"
)

// The stored form: a line of magic and checksum in hex, then JSON, deflated
// where it is long. The checksum is of what follows the line.
const (
	storedMagic   = "sluice.definition/1 "
	deflatedMagic = "sluice.definition/2 "
)

const (
	// maxPlain is how long JSON is stored as it is.
	maxPlain = 64 << 10
	// maxInflated bounds what a stored form may grow to: above what the bounds of
	// a definition allow.
	maxInflated = 128 << 20
)

// ErrDamaged is returned for a stored definition that is not whole.
var ErrDamaged = errors.New("definition: damaged or unknown format")

// Marshal returns the stored form of an application: deterministic, with a
// checksum. Unmarshal is its inverse and refuses a document whose checksum does
// not hold, whole.
func Marshal(a *Application) ([]byte, error) {
	magic := storedMagic
	body, err := json.Marshal(a)
	if err == nil && len(body) > maxPlain {
		magic = deflatedMagic
		body, err = deflate(body)
	}
	if err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	sum := sha256.Sum256(body)
	out := make([]byte, 0, len(magic)+2*len(sum)+1+len(body))
	out = append(out, magic...)
	out = hex.AppendEncode(out, sum[:])
	out = append(out, '\n')
	return append(out, body...), nil
}

// Unmarshal reads what Marshal wrote. The error is [ErrDamaged].
func Unmarshal(b []byte) (*Application, error) {
	rest, ok := bytes.CutPrefix(b, []byte(storedMagic))
	deflated := false
	if !ok {
		rest, deflated = bytes.CutPrefix(b, []byte(deflatedMagic))
	}
	line, body, found := bytes.Cut(rest, []byte("\n"))
	sum := sha256.Sum256(body)
	if !ok && !deflated || !found || string(line) != hex.EncodeToString(sum[:]) {
		return nil, ErrDamaged
	}
	if deflated {
		var err error
		if body, err = inflate(body); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	var a *Application
	if err := strict(body, &a); err != nil || a == nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for _, f := range a.Forms {
		if f == nil {
			return nil, ErrDamaged
		}
		if err := f.Link(); err != nil {
			return nil, fmt.Errorf("%w: form %s: %w", ErrDamaged, f.Name, err)
		}
	}
	return a, nil
}

func deflate(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

func inflate(body []byte) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(body)), maxInflated+1))
	if err == nil && len(out) > maxInflated {
		err = errors.New("too long")
	}
	return out, err
}

// strict reads one JSON value and refuses unknown keys and what follows.
// Numbers keep their digits.
func strict(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}

// storedField is a Field with its default in the JSON form of values.
type storedField struct {
	record.Field
	Description               string
	Required, Unique, Indexed bool
	PII, EPHI                 bool
	RecordOwner, Parent       bool
	Default                   json.RawMessage
	MaxSize                   int64        `json:",omitempty"`
	Accept                    []string     `json:",omitempty"`
	Expression                string       `json:",omitempty"`
	Currency                  string       `json:",omitempty"`
	Deprecated                string       `json:",omitempty"`
	Aliases                   []string     `json:",omitempty"`
	Limits                    storedLimits `json:",omitzero"`
}

// MarshalJSON writes the stored form of a field.
func (f Field) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedField{
		Field: f.Field, Description: f.Description, Required: f.Required, Unique: f.Unique, Indexed: f.Indexed,
		PII: f.PII, EPHI: f.EPHI, RecordOwner: f.RecordOwner, Parent: f.Parent,
		Default:  record.AppendJSON(nil, &f.Field, f.Default),
		Currency: f.Currency, Deprecated: f.Deprecated, Aliases: f.Aliases, Limits: f.storeLimits(), MaxSize: f.MaxSize, Accept: f.Accept,
		Expression: f.Expression,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Field) UnmarshalJSON(b []byte) error {
	var s storedField
	if err := strict(b, &s); err != nil {
		return err
	}
	*f = Field{
		Field: s.Field, Description: s.Description, Required: s.Required, Unique: s.Unique, Indexed: s.Indexed,
		PII: s.PII, EPHI: s.EPHI, RecordOwner: s.RecordOwner, Parent: s.Parent, MaxSize: s.MaxSize, Accept: s.Accept,
		Currency: s.Currency, Deprecated: s.Deprecated, Aliases: s.Aliases,
		Expression: s.Expression,
	}
	if err := f.loadLimits(s.Limits); err != nil {
		return err
	}
	var err error
	f.Default, err = storedValue(f, s.Default)
	return err
}
