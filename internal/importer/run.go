package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"

	"sluice/engine"
	"sluice/internal/fault"
	"sluice/internal/identity"
	"sluice/internal/record"
)

// MaxFaults is how many bad rows a Result lists; their number is exact.
const MaxFaults = 100

// chunkRows is how many rows one transaction adds at most. It is halved while a
// transaction passes a limit of storage or of rule modules.
const chunkRows = 250

// Importer imports files into the forms of an engine. It is safe for concurrent
// use.
type Importer struct {
	e     *engine.Engine
	chunk int // rows of the first transaction
}

// New returns an importer over an engine that it does not own.
func New(e *engine.Engine) *Importer { return &Importer{e, chunkRows} }

// Fault is what is wrong with one row. Column is empty where the whole row is
// meant.
type Fault struct {
	Line    int    `json:"line"` // of the row's first cell, from 1
	Column  string `json:"column,omitempty"`
	Message string `json:"message"`
}

// Progress is how far a pass came: 1 checks, 2 writes.
type Progress struct {
	Pass int `json:"pass"`
	Rows int `json:"rows"`
	Of   int `json:"of,omitempty"` // known in pass 2
}

// Result is how an import ended. With faults of pass 1 nothing was written and
// there is no job; with faults of pass 2 the job stands where it was before them.
type Result struct {
	Job    *engine.ImportJob
	Rows   int     // of the file, as far as it could be read
	Faulty int     // rows with a fault
	Faults []Fault // of the first rows with one, at most MaxFaults
}

func (r *Result) add(rows []Fault) {
	if len(rows) == 0 {
		return
	}
	r.Faulty++
	r.Faults = append(r.Faults, rows[:min(len(rows), MaxFaults-len(r.Faults))]...)
}

// May reports whether somebody may import into a form, before its file is read.
func (im *Importer) May(ctx context.Context, p identity.Principal, application, form string) error {
	op, err := im.e.Read(ctx, p, application)
	if err != nil {
		return err
	}
	defer op.Close()
	_, err = op.MayImport(form)
	return err
}

// run is one import on its way.
type run struct {
	im          *Importer
	ctx         context.Context
	p           identity.Principal
	application string
	form        string
	o           *Options
	file        io.ReadSeeker
	progress    func(Progress)
	size        int // rows of the next transaction
	result      Result
}

// Run checks every row of a file, then adds them. The file is read three times.
// progress is called after every transaction.
func (im *Importer) Run(ctx context.Context, p identity.Principal, application, form string, o *Options, file io.ReadSeeker, progress func(Progress)) (*Result, error) {
	r := &run{im: im, ctx: ctx, p: p, application: application, form: form, o: o, file: file, progress: progress, size: im.chunk}
	digest, err := r.digest()
	if err != nil {
		return nil, err
	}
	if err := r.check(); err != nil || r.result.Faulty > 0 {
		return &r.result, err
	}
	options, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	job, err := im.e.StartImport(ctx, p, application, engine.ImportSpec{Form: form, Digest: digest, Options: options, Rows: r.result.Rows})
	if err != nil {
		return nil, err
	}
	r.result.Job = &job
	return &r.result, r.write()
}

// Resume goes on with a job behind its last transaction, with the file that it
// began with: Invalid for another one.
func (im *Importer) Resume(ctx context.Context, p identity.Principal, application, id string, file io.ReadSeeker, progress func(Progress)) (*Result, error) {
	const op = "importer.Resume"
	job, err := im.e.Import(ctx, p, application, id)
	if err != nil {
		return nil, err
	}
	if job.State != engine.ImportRunning {
		return nil, fault.New(fault.Conflict, op, "import: it is %s, not RUNNING", job.State)
	}
	o := &Options{}
	if err := json.Unmarshal(job.Options, o); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err, "the import's document is damaged")
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	r := &run{im: im, ctx: ctx, p: p, application: application, form: job.Form, o: o, file: file, progress: progress, size: im.chunk}
	digest, err := r.digest()
	if err != nil {
		return nil, err
	}
	if digest != job.Digest {
		return nil, fault.New(fault.Invalid, op, "file: it is not the file that this import began with")
	}
	r.result.Job, r.result.Rows = &job, job.Rows
	return &r.result, r.write()
}

func (r *run) digest() (string, error) {
	if err := r.rewind(); err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, r.file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (r *run) rewind() error {
	_, err := r.file.Seek(0, io.SeekStart)
	return err
}

// open reads the header and plans it under the rights of now.
func (r *run) open() (*sheet, error) {
	if err := r.rewind(); err != nil {
		return nil, err
	}
	s, err := openSheet(r.file, r.o.comma)
	if err != nil {
		return nil, err
	}
	op, err := r.im.e.Read(r.ctx, r.p, r.application)
	if err != nil {
		return nil, err
	}
	defer op.Close()
	_, err = newPlan(op, r.o, r.form, s.header)
	return s, err
}

// errGivenUp ends the transactions of the first pass.
var errGivenUp = errors.New("importer: checked")

// check is pass 1: it adds the rows in transactions that are given up.
func (r *run) check() error {
	s, err := r.open()
	if err != nil {
		return err
	}
	seen := taken{}
	var rows []row
	for {
		more, err := s.read(max(0, r.size-len(rows)))
		if err != nil {
			return err
		}
		if rows = append(rows, more...); len(rows) == 0 {
			return nil
		}
		n := min(len(rows), r.size)
		faults, err := r.try(s.header, rows[:n], seen)
		if r.halve(err, n) {
			continue
		}
		if err != nil {
			return err
		}
		for _, f := range faults {
			r.result.add(f)
		}
		rows = rows[n:]
		r.result.Rows += n
		r.progress(Progress{Pass: 1, Rows: r.result.Rows})
	}
}

// halve reports whether a transaction is to be tried again with fewer rows.
func (r *run) halve(err error, n int) bool {
	if err == nil || fault.KindOf(err) != fault.Limit || n <= 1 {
		return false
	}
	r.size = max(1, n/2)
	return true
}

// try adds rows and gives the transaction up. The faults are those of each row;
// seen gets the rows' unique values when the transaction came to its end.
func (r *run) try(header []string, rows []row, seen taken) (faults [][]Fault, err error) {
	var fresh taken
	err = r.im.e.Write(r.ctx, r.p, r.application, "import", func(op *engine.Op) error {
		p, err := newPlan(op, r.o, r.form, header)
		if err != nil {
			return err
		}
		faults, fresh = make([][]Fault, len(rows)), taken{}
		for i := range rows {
			line := rows[i].line
			_, input, found, err := p.add(op, &rows[i])
			switch {
			case err != nil && len(rows) == 1 && fault.KindOf(err) == fault.Limit:
				found = []Fault{{Line: line, Message: fault.Message(err)}}
			case err != nil:
				return err
			}
			faults[i] = p.taken(line, input, found, seen, fresh)
		}
		return errGivenUp
	})
	if !errors.Is(err, errGivenUp) {
		return nil, err
	}
	maps.Copy(seen, fresh)
	return faults, nil
}

// errFaulty ends a transaction of the second pass whose rows have faults.
var errFaulty = errors.New("importer: rows with faults")

// write is pass 2, from where the job is.
func (r *run) write() error {
	s, err := r.open()
	if err != nil {
		return err
	}
	if err := skip(s, r.result.Job.Done); err != nil {
		return err
	}
	var rows []row
	for r.result.Job.State == engine.ImportRunning {
		more, err := s.read(max(0, r.size-len(rows)))
		if err != nil {
			return err
		}
		rows = append(rows, more...)
		n := min(len(rows), r.size)
		faults, err := r.store(s.header, rows[:n])
		if r.halve(err, n) {
			continue
		}
		if errors.Is(err, errFaulty) {
			for _, f := range faults {
				r.result.add(f)
			}
			return nil
		}
		if err != nil {
			return err
		}
		rows = rows[n:]
		r.progress(Progress{Pass: 2, Rows: r.result.Job.Done, Of: r.result.Rows})
	}
	return nil
}

func skip(s *sheet, n int) error {
	for range n {
		if _, _, ok, err := s.next(); err != nil || !ok {
			return err
		}
	}
	return nil
}

// store adds a chunk under the job. The job moves only with it.
func (r *run) store(header []string, rows []row) (faults [][]Fault, err error) {
	job, err := r.im.e.ImportChunk(r.ctx, r.p, r.application, r.result.Job.ID, func(op *engine.Op, job engine.ImportJob) (int, []record.ID, error) {
		faults = nil
		if job.Done != r.result.Job.Done {
			return 0, nil, fault.New(fault.Conflict, "importer.store", "import: somebody else goes on with it at the same time")
		}
		p, err := newPlan(op, r.o, job.Form, header)
		if err != nil {
			return 0, nil, err
		}
		var ids []record.ID
		for i := range rows {
			id, _, found, err := p.add(op, &rows[i])
			if err != nil {
				return 0, nil, err
			}
			if len(found) > 0 {
				faults = append(faults, found)
			}
			ids = append(ids, id)
		}
		if len(faults) > 0 {
			return 0, nil, errFaulty
		}
		return len(rows), ids, nil
	})
	if err == nil {
		r.result.Job = &job
	}
	return faults, err
}
