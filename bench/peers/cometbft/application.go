// The ABCI application: a store of events by identity, its duplicates refused. It keeps nothing on disk of its own:
// the block store has every transaction and the application's state is replayed from it, the cheapest way there is.
package main

import (
	"context"
	"crypto/sha256"
	"runtime"
	"sync"

	abci "github.com/cometbft/cometbft/abci/types"

	"farechain.example/day"
)

const (
	blockTransactions = 2000
	identitySize      = 32
	refused           = 1
)

type application struct {
	abci.BaseApplication
	verify, exact bool
	seen          day.Seen
	digest        [sha256.Size]byte
	accepted      int
}

// PrepareProposal takes the oldest transactions, as many as a block has.
func (app *application) PrepareProposal(
	_ context.Context, request *abci.RequestPrepareProposal,
) (*abci.ResponsePrepareProposal, error) {
	return &abci.ResponsePrepareProposal{Txs: request.Txs[:min(len(request.Txs), blockTransactions)]}, nil
}

// FinalizeBlock verifies on all cores, then decides in order.
func (app *application) FinalizeBlock(
	_ context.Context, request *abci.RequestFinalizeBlock,
) (*abci.ResponseFinalizeBlock, error) {
	good := app.genuine(request.Txs)
	results := make([]*abci.ExecTxResult, len(request.Txs))
	hash := sha256.New()
	hash.Write(app.digest[:])
	for number, tx := range request.Txs {
		identity := [identitySize]byte(tx)
		_, twice := app.seen[identity]
		if !good[number] || (app.exact && twice) {
			results[number] = &abci.ExecTxResult{Code: refused}
			continue
		}
		if app.exact {
			app.seen[identity] = struct{}{}
		}
		hash.Write(identity[:])
		app.accepted++
		results[number] = &abci.ExecTxResult{Code: abci.CodeTypeOK}
	}
	app.digest = [sha256.Size]byte(hash.Sum(nil))
	return &abci.ResponseFinalizeBlock{TxResults: results, AppHash: app.digest[:]}, nil
}

func (app *application) genuine(txs [][]byte) []bool {
	good := make([]bool, len(txs))
	cores := runtime.GOMAXPROCS(0)
	var running sync.WaitGroup
	for core := range cores {
		running.Go(func() {
			var scratch []byte
			for number := core; number < len(txs); number += cores {
				good[number] = true
				if app.verify {
					good[number], scratch = day.Verified(txs[number][identitySize:], scratch)
				}
			}
		})
	}
	running.Wait()
	return good
}
