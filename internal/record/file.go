package record

import (
	"encoding/hex"
	"strconv"
)

// Attachment is what a cell of type File or Image says of the file that it
// holds. The content is kept apart from the record, under the id.
type Attachment struct {
	ID          ID
	Name        string
	ContentType string
	Size        int64    // bytes
	Hash        [32]byte // SHA-256 of the content
}

// Value returns the cell that holds the attachment.
func (a Attachment) Value() Value {
	return List(a.ID.String(), a.Name, a.ContentType, strconv.FormatInt(a.Size, 10), hex.EncodeToString(a.Hash[:]))
}

// Attachment returns the file that a cell of type File or Image holds; false
// for a value that holds none.
func (v Value) Attachment() (Attachment, bool) {
	var a Attachment
	parts := v.List()
	if len(parts) != 5 || len(parts[4]) != hex.EncodedLen(len(a.Hash)) {
		return Attachment{}, false
	}
	id, err := ParseID(string(parts[0]))
	if err != nil {
		return Attachment{}, false
	}
	size, err := strconv.ParseInt(string(parts[3]), 10, 64)
	if err != nil || size < 0 {
		return Attachment{}, false
	}
	if _, err := hex.Decode(a.Hash[:], parts[4]); err != nil {
		return Attachment{}, false
	}
	a.ID, a.Name, a.ContentType, a.Size = id, string(parts[1]), string(parts[2]), size
	return a, true
}

func appendAttachment(dst []byte, v Value) []byte {
	a, ok := v.Attachment()
	if !ok {
		return append(dst, "null"...)
	}
	dst = append(a.ID.Append(append(dst, `{"id":"`...)), `","name":`...)
	dst = append(AppendJSONString(dst, []byte(a.Name)), `,"contentType":`...)
	dst = append(AppendJSONString(dst, []byte(a.ContentType)), `,"size":`...)
	return append(strconv.AppendInt(dst, a.Size, 10), '}')
}
