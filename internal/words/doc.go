// Package words cuts text into words and reads the small language of full-text
// queries. Index and evaluation use the same words, so that what one finds the
// other confirms.
//
// # Words
//
// A text is put into one form (NFKC, then case folding, without invisible format
// characters), cut at the word boundaries of Unicode's UAX #29, and cut again at
// everything that is neither letter, mark, digit nor pictograph. So "Straße" is
// "strasse", "e-mail" is "e" and "mail", ideographs and kana are words of one
// character, and an emoji with its modifiers is a word. There is no stemming, and
// accents count.
//
// # Queries
//
// A query is items with white space between them, each of which must be found:
//
//	red pump       both words, in any order
//	"red pump"     the words next to each other, in this order
//	pump*          a word that begins with pump
//	e-mail 東京    what gives several words is read as if it stood in quotes
//
// Nothing else has a meaning: +, -, AND and OR are signs and words like others.
package words
