package world

import "math/big"

// decimal writes n/10^scale with exactly scale places.
func decimal(n int64, scale uint8) string {
	den := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	return new(big.Rat).SetFrac(big.NewInt(n), den).FloatString(int(scale))
}
