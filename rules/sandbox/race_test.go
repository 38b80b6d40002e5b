//go:build race

package sandbox

func init() {
	raceDetector = true
	childCPU *= 20
	childWall *= 10
}
