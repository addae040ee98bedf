// Package day knows the day's events as bench/peers/events.py wrote them, the equal work that every peer is
// given before its ledger (verify, refuse duplicates), and how a run is timed. It knows no ledger.
package day

import (
	"encoding/binary"
	"fmt"
	"os"
)

const (
	identitySize  = 32
	keySize       = 32
	signatureSize = 64
)

// Event is one payment event. Entry is what a ledger keeps, so that anyone can verify it again: public key,
// signature, value. Identity is what makes it a duplicate; nobody has to decode JSON for it.
type Event struct {
	Identity [identitySize]byte
	Entry    []byte
}

// Read loads all events into memory: for each the identity, the entry's length (32 bits, little-endian), the entry.
func Read(path string) ([]Event, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var events []Event
	for at := 0; at < len(file); {
		if len(file)-at < identitySize+4 {
			return nil, fmt.Errorf("%s ends within an event", path)
		}
		size := int(binary.LittleEndian.Uint32(file[at+identitySize:]))
		start := at + identitySize + 4
		if size < keySize+signatureSize || len(file)-start < size {
			return nil, fmt.Errorf("%s: an event of %d bytes at byte %d", path, size, at)
		}
		events = append(events, Event{[identitySize]byte(file[at:]), file[start : start+size : start+size]})
		at = start + size
	}
	return events, nil
}
