package directory

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"

	"sluice/internal/identity"
)

// A token is a prefix that scanners for leaked secrets can look for, then
// base32 of: version (1 byte), tenant (8), secret (32), CRC-32C of prefix and
// all before (4). The checksum tells a mistyped token from a revoked one before
// storage is asked; it proves nothing. 45 bytes are 72 characters without
// padding, so a token has exactly one spelling.
const (
	sessionPrefix  = "sls_"
	personalPrefix = "slp_"
	tokenVersion   = 1
	secretBytes    = 32
	bodyBytes      = 1 + 8 + secretBytes
	tokenBytes     = bodyBytes + 4
	tokenChars     = 4 + tokenBytes*8/5
)

var (
	tokenBase  = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// secret is a token taken apart. Only id and sum are ever stored.
type secret struct {
	kind   identity.Credential
	tenant identity.Tenant
	id     string   // names the credential; says nothing about the secret
	sum    [32]byte // SHA-256 of the token
}

// newToken returns a fresh token of a tenant.
func newToken(kind identity.Credential, tenant identity.Tenant) (string, secret) {
	b := make([]byte, bodyBytes, tokenBytes)
	b[0] = tokenVersion
	copy(b[1:], tenant[:])
	_, _ = rand.Read(b[9:]) // never fails
	prefix := sessionPrefix
	if kind == identity.PersonalToken {
		prefix = personalPrefix
	}
	b = binary.BigEndian.AppendUint32(b, checksum(prefix, b))
	token := prefix + tokenBase.EncodeToString(b)
	return token, newSecret(kind, tenant, token)
}

func newSecret(kind identity.Credential, tenant identity.Tenant, token string) secret {
	s := secret{kind: kind, tenant: tenant, sum: sha256.Sum256([]byte(token))}
	name := sha256.Sum256(append([]byte("credential id:"), s.sum[:]...))
	s.id = hex.EncodeToString(name[:16])
	return s
}

// parseToken takes a token apart; false for anything that newToken cannot have
// made.
func parseToken(token string) (secret, bool) {
	if len(token) != tokenChars {
		return secret{}, false
	}
	prefix := token[:4]
	var kind identity.Credential
	switch prefix {
	case sessionPrefix:
		kind = identity.Session
	case personalPrefix:
		kind = identity.PersonalToken
	default:
		return secret{}, false
	}
	if strings.ContainsAny(token, "\r\n") { // the decoder skips them
		return secret{}, false
	}
	b, err := tokenBase.DecodeString(token[4:])
	if err != nil || len(b) != tokenBytes || b[0] != tokenVersion {
		return secret{}, false
	}
	if binary.BigEndian.Uint32(b[bodyBytes:]) != checksum(prefix, b[:bodyBytes]) {
		return secret{}, false
	}
	tenant := identity.Tenant(b[1:9])
	return newSecret(kind, tenant, token), !tenant.IsZero()
}

func checksum(prefix string, body []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(prefix), castagnoli), castagnoli, body)
}
