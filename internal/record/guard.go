package record

import "strings"

// runnable are the beginnings of a cell that spreadsheets take for a formula or
// a command, full-width forms included.
var runnable = []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}

// Guard returns a text as it may stand in a CSV file that somebody opens with a
// spreadsheet: with ' in front where it could be run, and where it reads like
// null, the text that stands for an empty cell in that file ("" for none). Texts
// that begin with ' and go on like that get one more, so that Unguard gives back
// what was there.
func Guard(s, null string) string {
	if guardable(s, null) {
		return "'" + s
	}
	return s
}

// Unguard is the inverse of Guard with the same null.
func Unguard(s, null string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && guardable(rest, null) {
		return rest
	}
	return s
}

func guardable(s, null string) bool {
	s = strings.TrimLeft(s, "'")
	if null != "" && s == null {
		return true
	}
	for _, p := range runnable {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
