package gateway

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"sluice/graph"
)

// The media types of an answer.
const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
)

// answerMedia chooses the media type of the answer by the Accept header; without
// one it is application/json.
func answerMedia(r *http.Request) (string, *refusal) {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return mediaJSON, nil
	}
	ranges := acceptRanges(accept)
	a, b := ranges.of(mediaJSON), ranges.of(mediaGraphQL)
	switch {
	case a.weight == 0 && b.weight == 0:
		return mediaJSON, refuse(http.StatusNotAcceptable, graph.CodeBadUserInput, "the answer is %s or %s; the Accept header admits neither", mediaGraphQL, mediaJSON)
	case b.before(a):
		return mediaGraphQL, nil
	}
	return mediaJSON, nil
}

// acceptRange is one range of an Accept header.
type acceptRange struct {
	media       string
	weight      float64 // 0 refuses
	specificity int     // 0 for */*, 1 for application/*, 2 for a media type
	place       int
}

// before reports whether an answer of range a is rather wanted than one of range b:
// by weight, then a type that was named rather than one that is merely admitted,
// then the one that was named first.
func (a acceptRange) before(b acceptRange) bool {
	if a.weight != b.weight {
		return a.weight > b.weight
	}
	if a.specificity != b.specificity {
		return a.specificity > b.specificity
	}
	return a.place < b.place
}

type accepted []acceptRange

// acceptRanges reads an Accept header; what is not a range with a weight in 0 to
// 1, or asks for a charset that the answer is not in, is left out.
func acceptRanges(header string) (out accepted) {
	for part := range strings.SplitSeq(header, ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		if c, ok := params["charset"]; ok && !strings.EqualFold(c, "utf-8") {
			continue
		}
		r := acceptRange{media: media, weight: 1, specificity: 2, place: len(out)}
		if s, ok := params["q"]; ok {
			if r.weight, err = strconv.ParseFloat(s, 64); err != nil || !(r.weight >= 0 && r.weight <= 1) {
				continue
			}
		}
		switch media {
		case "*/*":
			r.specificity = 0
		case "application/*":
			r.specificity = 1
		}
		out = append(out, r)
	}
	return out
}

// of returns the range that speaks of a media type: the most specific one; the
// zero range, which refuses, where there is none.
func (a accepted) of(media string) acceptRange {
	best := acceptRange{specificity: -1}
	for _, r := range a {
		if (r.specificity < 2 || r.media == media) && r.specificity > best.specificity {
			best = r
		}
	}
	return best
}
