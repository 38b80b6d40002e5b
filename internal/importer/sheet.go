package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"

	"sluice/internal/fault"
)

// maxColumns bounds the header.
const maxColumns = 1000

// sheet reads a CSV file: RFC 4180 with LF or CRLF, a byte order mark, empty
// lines between rows. A line break within quotes is read as LF.
type sheet struct {
	r      *csv.Reader
	header []string
}

// row is one record of the file; bad says why it cannot be read.
type row struct {
	line  int // of its first cell, from 1
	cells []string
	bad   string
}

func openSheet(r io.Reader, comma rune) (*sheet, error) {
	const op = "importer.open"
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(3)
	switch {
	case bytes.Equal(head, []byte("\xEF\xBB\xBF")):
		_, _ = b.Discard(3)
	case bytes.HasPrefix(head, []byte("\xFF\xFE")), bytes.HasPrefix(head, []byte("\xFE\xFF")):
		return nil, fault.New(fault.Invalid, op, "file: expected UTF-8, this is UTF-16")
	}
	s := &sheet{r: csv.NewReader(b)}
	s.r.Comma, s.r.FieldsPerRecord = comma, -1
	header, err := s.r.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fault.New(fault.Invalid, op, "file: is empty; the first line names the columns")
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, op, err, "file: line 1: %s", syntax(err))
	case len(header) > maxColumns:
		return nil, fault.New(fault.Limit, op, "file: has %d columns, the limit is %d", len(header), maxColumns)
	}
	s.header = header
	return s, nil
}

// next returns the next row, false at the end. After a bad row there may be
// no further one: behind a broken quote nobody can tell where rows begin.
func (s *sheet) next() (r row, last bool, ok bool, err error) {
	cells, err := s.r.Read()
	if errors.Is(err, io.EOF) {
		return row{}, true, false, nil
	}
	if pe, broken := errors.AsType[*csv.ParseError](err); broken {
		return row{line: pe.StartLine, bad: syntax(err) + "; the file is not read any further"}, true, true, nil
	}
	if err != nil {
		return row{}, true, false, err
	}
	r.cells = cells
	r.line, _ = s.r.FieldPos(0)
	if len(cells) != len(s.header) {
		r.bad = fmt.Sprintf("the row has %d columns, the header has %d; a cell with the delimiter in it stands in quotes", len(cells), len(s.header))
	}
	return r, false, true, nil
}

// syntax says what is wrong with quotes.
func syntax(err error) string {
	if errors.Is(err, csv.ErrBareQuote) {
		return `a quote stands in a cell that does not begin with one`
	}
	return `a quoted cell is not closed, or text follows its closing quote; a quote within quotes is written twice`
}

// read returns at most n rows; fewer are the end of the file.
func (s *sheet) read(n int) ([]row, error) {
	rows := make([]row, 0, n)
	for len(rows) < n {
		r, last, ok, err := s.next()
		if err != nil {
			return nil, err
		}
		if ok {
			rows = append(rows, r)
		}
		if last {
			break
		}
	}
	return rows, nil
}
