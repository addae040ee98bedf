package day

import (
	"crypto/ed25519"
	"runtime"
	"strconv"
)

const payloadType = "application/cloudevents+json"

// Verified reports whether an entry's signature is its key's, over DSSE's pre-authentication encoding of its value.
func Verified(entry, scratch []byte) (bool, []byte) {
	key, signature := entry[:keySize], entry[keySize:keySize+signatureSize]
	value := entry[keySize+signatureSize:]
	scratch = append(scratch[:0], "DSSEv1 28 "+payloadType+" "...)
	scratch = append(strconv.AppendInt(scratch, int64(len(value)), 10), ' ')
	scratch = append(scratch, value...)
	return ed25519.Verify(ed25519.PublicKey(key), scratch, signature), scratch
}

// Chunks hands the events on in their order, at most size at a time. With verify, forged ones are left out, and
// chunks that come next are verified on all cores while one is being appended.
func Chunks(events []Event, size int, verify bool) <-chan []Event {
	chunks := make(chan []Event)
	waiting := make(chan chan []Event, 2*runtime.GOMAXPROCS(0))
	workers := make(chan struct{}, runtime.GOMAXPROCS(0))
	go func() {
		defer close(waiting)
		for start := 0; start < len(events); start += size {
			chunk := events[start:min(start+size, len(events))]
			done := make(chan []Event, 1)
			waiting <- done
			if !verify {
				done <- chunk
				continue
			}
			workers <- struct{}{}
			go func() {
				done <- genuine(chunk)
				<-workers
			}()
		}
	}()
	go func() {
		defer close(chunks)
		for done := range waiting {
			chunks <- <-done
		}
	}()
	return chunks
}

func genuine(events []Event) []Event {
	kept, scratch, ok := make([]Event, 0, len(events)), []byte(nil), false
	for _, event := range events {
		if ok, scratch = Verified(event.Entry, scratch); ok {
			kept = append(kept, event)
		}
	}
	return kept
}

// Seen is the set of identities that the ledger has: exact, in memory, rebuilt from the ledger at start.
type Seen map[[identitySize]byte]struct{}

// New leaves out of a chunk what is seen already, and counts the rest as seen.
func (seen Seen) New(events []Event) []Event {
	kept := make([]Event, 0, len(events))
	for _, event := range events {
		if _, twice := seen[event.Identity]; !twice {
			seen[event.Identity] = struct{}{}
			kept = append(kept, event)
		}
	}
	return kept
}
