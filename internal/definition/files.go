package definition

import (
	"slices"
	"strconv"
	"strings"

	"sluice/internal/record"
)

// Bounds of fields of files.
const (
	// MaxFileFields is how many of them a form may have.
	MaxFileFields = 20
	// MaxFileSize is the largest MaxSize, in bytes.
	MaxFileSize = 25 << 20
	// defaultFileSize is that of a field without the property.
	defaultFileSize = 10 << 20
	maxAccept       = 50
)

// imageTypes are what a field of type image takes where it does not say.
var imageTypes = []string{"image/gif", "image/jpeg", "image/png", "image/webp"}

// readFile reads the properties of a field of a file.
func (r *resolver) readFile(o object, x *Field) {
	if !x.Type.IsFile() {
		for _, key := range []string{"maxSize", "accept"} {
			if o.has(key) {
				r.fail(o.of(key), "only a field of type file or image has %s", key)
			}
		}
		return
	}
	x.MaxSize = r.fileSize(o)
	x.Accept = r.texts(o, "accept", maxAccept)
	if o.has("accept") && len(x.Accept) == 0 {
		r.fail(o.of("accept"), "expected at least one type like application/pdf or text/*; leave accept out for any")
	}
	for _, a := range x.Accept {
		switch group, name, ok := strings.Cut(a, "/"); {
		case !ok || !mediaWord(group) || name != "*" && !mediaWord(name):
			r.fail(o.of("accept"), "expected types like application/pdf or text/*, in lower case")
		case x.Type == record.Image && a != "image/*" && !slices.Contains(imageTypes, a):
			r.fail(o.of("accept"), "an image is of type %s", strings.Join(imageTypes, ", "))
		}
	}
	if x.Type == record.Image && (len(x.Accept) == 0 || slices.Contains(x.Accept, "image/*")) {
		x.Accept = imageTypes
	}
}

func mediaWord(s string) bool {
	return s != "" && len(s) <= 100 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.+-_") == ""
}

func (r *resolver) fileSize(o object) int64 {
	if !o.has("maxSize") {
		return defaultFileSize
	}
	v := o.members["maxSize"]
	if !r.expect(v, "int", "a number of bytes") {
		return defaultFileSize
	}
	n, err := strconv.ParseInt(v.n.Value, 10, 64)
	if err != nil || n < 1 || n > MaxFileSize {
		r.fail(v.at, "expected a number of bytes from 1 to %d", MaxFileSize)
		return defaultFileSize
	}
	return n
}
