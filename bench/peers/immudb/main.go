// Writes the day to an embedded immudb store, with synced commits: a commit returns when its transaction is synced
// (fsync). The clock stops when every transaction is committed and, where it is used, the index has followed.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"path/filepath"
	"sync"
	"time"

	"github.com/codenotary/immudb/embedded/logger"
	"github.com/codenotary/immudb/embedded/store"

	"farechain.example/day"
)

const (
	transactionSize = 1000
	inFlight        = 8
	proofs          = 64
)

func main() {
	events := flag.String("events", "", "the day's events")
	path := flag.String("path", "", "an empty directory for the store")
	verify := flag.Bool("verify", false, "verify signatures")
	duplicates := flag.String("duplicates", "none", "none, memory (exact) or index (exact, by the store's own index)")
	flag.Parse()
	if err := run(*events, *path, *verify, *duplicates); err != nil {
		log.Fatal(err)
	}
}

func run(eventsPath, path string, verify bool, duplicates string) error {
	events, err := day.Read(eventsPath)
	if err != nil {
		return err
	}
	target, err := open(filepath.Join(path, "store"), duplicates == "index")
	if err != nil {
		return err
	}
	report := day.Report{Events: len(events)}
	clock := day.Start()
	seen := make(day.Seen, len(events))
	for chunk := range day.Chunks(events, transactionSize, verify) {
		switch duplicates {
		case "memory":
			chunk = seen.New(chunk)
		case "index":
			if chunk, err = target.notIndexed(chunk); err != nil {
				return err
			}
		}
		report.Accepted += target.commit(chunk)
	}
	if err := target.wait(); err != nil {
		return err
	}
	clock.Stop(&report)
	if report.Proved, err = target.prove(); err != nil {
		return err
	}
	if err := target.store.Close(); err != nil {
		return err
	}
	return report.Print()
}

type ledger struct {
	store   *store.ImmuStore
	indexed bool
	running sync.WaitGroup
	slots   chan struct{}
	lock    sync.Mutex
	err     error
}

func open(path string, indexed bool) (*ledger, error) {
	options := store.DefaultOptions().
		WithSynced(true).
		WithSyncFrequency(5 * time.Millisecond).
		WithMaxValueLen(1 << 16).
		WithMultiIndexing(true).
		WithIndexOptions(store.DefaultIndexOptions().WithMaxBulkSize(100)).
		WithLogger(logger.NewMemoryLoggerWithLevel(logger.LogError))
	opened, err := store.Open(path, options)
	if err != nil {
		return nil, err
	}
	if indexed {
		if err := opened.InitIndexing(&store.IndexSpec{}); err != nil {
			return nil, err
		}
	}
	return &ledger{store: opened, indexed: indexed, slots: make(chan struct{}, inFlight)}, nil
}

// commit writes a transaction, a bounded number at once, and returns how many entries it has.
func (target *ledger) commit(events []day.Event) int {
	entries := make(map[[32]byte]struct{}, len(events))
	for _, event := range events {
		entries[event.Identity] = struct{}{}
	}
	target.slots <- struct{}{}
	target.running.Go(func() {
		defer func() { <-target.slots }()
		if err := target.write(events); err != nil {
			target.lock.Lock()
			target.err = errors.Join(target.err, err)
			target.lock.Unlock()
		}
	})
	return len(entries)
}

func (target *ledger) write(events []day.Event) error {
	if len(events) == 0 {
		return nil
	}
	ctx := context.Background()
	tx, err := target.store.NewWriteOnlyTx(ctx)
	if err != nil {
		return err
	}
	for _, event := range events {
		if err := tx.Set(event.Identity[:], nil, event.Entry); err != nil {
			return errors.Join(err, tx.Cancel())
		}
	}
	_, err = tx.AsyncCommit(ctx)
	return err
}

// notIndexed asks the store for each identity, once the index has every transaction that was written.
func (target *ledger) notIndexed(events []day.Event) ([]day.Event, error) {
	if err := target.wait(); err != nil {
		return nil, err
	}
	kept := make(day.Seen, len(events)).New(events)
	fresh := kept[:0]
	for _, event := range kept {
		_, err := target.store.Get(context.Background(), event.Identity[:])
		if errors.Is(err, store.ErrKeyNotFound) {
			fresh = append(fresh, event)
		} else if err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

// wait returns when everything is committed and, where there is an index, indexed.
func (target *ledger) wait() error {
	target.running.Wait()
	if target.err != nil || !target.indexed {
		return target.err
	}
	return target.store.WaitForIndexingUpto(context.Background(), target.store.LastCommittedTxID())
}

// prove verifies entries of transactions, and each of those transactions against the last one's state.
func (target *ledger) prove() (int, error) {
	last := target.store.LastCommittedTxID()
	newest, err := target.store.ReadTxHeader(last, false, false)
	if err != nil {
		return 0, err
	}
	holder := store.NewTx(target.store.MaxTxEntries(), target.store.MaxKeyLen())
	for number := range uint64(proofs) {
		id := 1 + number*last/proofs
		if err := target.store.ReadTx(id, false, holder); err != nil {
			return 0, err
		}
		entry := holder.Entries()[len(holder.Entries())/2]
		inclusion, err := holder.Proof(entry.Key())
		if err != nil {
			return 0, err
		}
		digest, err := store.TxEntryDigest_v1_2(entry)
		if err != nil {
			return 0, err
		}
		header := holder.Header()
		history, err := target.store.DualProof(header, newest)
		if err != nil {
			return 0, err
		}
		ends := bytes.Equal(history.TargetTxHeader.Eh[:], newest.Eh[:])
		if !ends || !store.VerifyInclusion(inclusion, digest, header.Eh) ||
			!store.VerifyDualProof(history, id, last, header.Alh(), newest.Alh()) {
			return 0, fmt.Errorf("transaction %d does not verify", id)
		}
	}
	return proofs, nil
}
