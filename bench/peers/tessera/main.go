// Appends the day to a Tessera log on a POSIX file system. The clock stops when a checkpoint that covers every
// entry is published: entries, tiles and checkpoint are files that were synced (fsync) before.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"log"
	"path/filepath"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/storage/posix"
	antispam "github.com/transparency-dev/tessera/storage/posix/antispam"
	"golang.org/x/mod/sumdb/note"

	"farechain.example/day"
)

const (
	batchSize   = 4096
	outstanding = 4 * batchSize
	proofs      = 64
	origin      = "farechain.example/peer"
)

func main() {
	events := flag.String("events", "", "the day's events")
	path := flag.String("path", "", "an empty directory for the log")
	verify := flag.Bool("verify", false, "verify signatures")
	duplicates := flag.String("duplicates", "none", "none, memory (exact) or antispam (equal bytes, best effort)")
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
	ctx := context.Background()
	target, err := open(ctx, path, duplicates == "antispam")
	if err != nil {
		return err
	}
	report := day.Report{Events: len(events)}
	clock := day.Start()
	accepted := target.appendAll(ctx, events, verify, duplicates == "memory")
	if err := target.published(ctx, accepted.last); err != nil {
		return err
	}
	clock.Stop(&report)
	if accepted.err != nil {
		return accepted.err
	}
	report.Accepted = len(accepted.indices)
	if report.Proved, err = target.prove(ctx, accepted); err != nil {
		return err
	}
	return report.Print()
}

type tlog struct {
	appender *tessera.Appender
	shutdown func(context.Context) error
	reader   tessera.LogReader
	verifier note.Verifier
	antispam bool
}

func open(ctx context.Context, path string, withAntispam bool) (*tlog, error) {
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return nil, err
	}
	driver, err := posix.New(ctx, posix.Config{Path: filepath.Join(path, "log")})
	if err != nil {
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(100*time.Millisecond).
		WithBatching(batchSize, 50*time.Millisecond).
		WithPushback(2 * outstanding).
		WithGarbageCollectionInterval(0)
	if withAntispam {
		store, err := antispam.NewAntispam(ctx, filepath.Join(path, "antispam"), antispam.AntispamOpts{
			PushbackThreshold: 1 << 20,
		})
		if err != nil {
			return nil, err
		}
		options = options.WithAntispam(tessera.DefaultAntispamInMemorySize, store)
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	return &tlog{appender, shutdown, reader, verifier, withAntispam}, nil
}

type appended struct {
	indices map[uint64][sha256.Size]byte
	last    uint64
	err     error
}

type pending struct {
	entry  *tessera.Entry
	future tessera.IndexFuture
}

// appendAll adds in order and waits for every index, with a bounded number outstanding.
func (target *tlog) appendAll(ctx context.Context, events []day.Event, verify, exact bool) appended {
	waiting := make(chan pending, outstanding)
	done := make(chan appended)
	go func() { done <- target.wait(ctx, waiting, len(events)) }()
	seen := make(day.Seen, len(events))
	for chunk := range day.Chunks(events, batchSize, verify) {
		if exact {
			chunk = seen.New(chunk)
		}
		for _, event := range chunk {
			entry := tessera.NewEntry(event.Entry)
			waiting <- pending{entry, target.appender.Add(ctx, entry)}
		}
	}
	close(waiting)
	return <-done
}

func (target *tlog) wait(ctx context.Context, waiting <-chan pending, most int) appended {
	result := appended{indices: make(map[uint64][sha256.Size]byte, most)}
	for each := range waiting {
		index, err := each.future()
		for errors.Is(err, tessera.ErrPushback) {
			time.Sleep(time.Millisecond)
			index, err = target.appender.Add(ctx, each.entry)()
		}
		if err != nil {
			result.err = errors.Join(result.err, err)
			continue
		}
		result.indices[index.Index] = [sha256.Size]byte(each.entry.LeafHash())
		result.last = max(result.last, index.Index)
	}
	return result
}

// published returns when a checkpoint covers the index; with antispam, when its store does, too.
func (target *tlog) published(ctx context.Context, index uint64) error {
	awaiter := tessera.NewPublicationAwaiter(ctx, target.reader.ReadCheckpoint, 10*time.Millisecond)
	future := func() (tessera.Index, error) { return tessera.Index{Index: index}, nil }
	if _, _, err := awaiter.Await(ctx, future); err != nil {
		return err
	}
	if target.antispam {
		return target.shutdown(ctx)
	}
	return nil
}

func (target *tlog) prove(ctx context.Context, accepted appended) (int, error) {
	checkpoint, _, _, err := client.FetchCheckpoint(ctx, target.reader.ReadCheckpoint, target.verifier, origin)
	if err != nil {
		return 0, err
	}
	if checkpoint.Size != uint64(len(accepted.indices)) {
		return 0, fmt.Errorf("a log of %d entries, %d accepted", checkpoint.Size, len(accepted.indices))
	}
	builder, err := client.NewProofBuilder(ctx, checkpoint.Size, target.reader.ReadTile)
	if err != nil {
		return 0, err
	}
	for number := range uint64(proofs) {
		index := number * checkpoint.Size / proofs
		path, err := builder.InclusionProof(ctx, index)
		if err != nil {
			return 0, err
		}
		leaf := accepted.indices[index]
		if err := proof.VerifyInclusion(
			rfc6962.DefaultHasher, index, checkpoint.Size, leaf[:], path, checkpoint.Hash,
		); err != nil {
			return 0, err
		}
	}
	return proofs, nil
}
