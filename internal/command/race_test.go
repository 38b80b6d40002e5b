//go:build race

package command

func init() { raceDetector = true }
