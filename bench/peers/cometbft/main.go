// Sends the day to one CometBFT node in this process, through its mempool and a local ABCI client: no RPC, no peers.
// The clock stops when the block of the last transaction is applied: write-ahead log, block store and state are
// synced by then.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/crypto/tmhash"
	cmtlog "github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/mempool"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
	"github.com/cometbft/cometbft/types"

	"farechain.example/day"
)

const proofs = 64

func main() {
	events := flag.String("events", "", "the day's events")
	path := flag.String("path", "", "an empty directory for the node")
	verify := flag.Bool("verify", false, "verify signatures")
	duplicates := flag.String("duplicates", "none", "none (the mempool's cache all the same) or memory (exact)")
	flag.Parse()
	if err := run(*events, *path, *verify, *duplicates == "memory"); err != nil {
		log.Fatal(err)
	}
}

func run(eventsPath, path string, verify, exact bool) error {
	events, err := day.Read(eventsPath)
	if err != nil {
		return err
	}
	txs := make([]types.Tx, len(events))
	for number, event := range events {
		txs[number] = slices.Concat(event.Identity[:], event.Entry)
	}
	app := &application{verify: verify, exact: exact, seen: make(day.Seen)}
	running, err := start(path, app, len(txs))
	if err != nil {
		return err
	}
	blocks, err := running.EventBus().Subscribe(context.Background(), "day", types.EventQueryNewBlock, 1000)
	if err != nil {
		return err
	}
	report := day.Report{Events: len(events)}
	clock := day.Start()
	if err := sendAll(running, txs, blocks); err != nil {
		return err
	}
	clock.Stop(&report)
	report.Accepted = app.accepted
	if report.Proved, err = prove(running.BlockStore()); err != nil {
		return err
	}
	if err := running.Stop(); err != nil {
		return err
	}
	return report.Print()
}

func start(path string, app *application, transactions int) (*node.Node, error) {
	settings := config.DefaultConfig().SetRoot(path)
	config.EnsureRoot(path)
	settings.P2P.ListenAddress = "tcp://127.0.0.1:0"
	settings.RPC.ListenAddress = ""
	settings.TxIndex.Indexer = "null"
	settings.Storage.DiscardABCIResponses = true
	settings.Mempool.Recheck = false
	settings.Mempool.Broadcast = false
	settings.Mempool.Size = transactions
	settings.Mempool.CacheSize = 16 * blockTransactions
	settings.Mempool.MaxTxsBytes = 1 << 30
	settings.Consensus.TimeoutCommit = 0
	settings.Consensus.SkipTimeoutCommit = true
	settings.Consensus.CreateEmptyBlocks = false
	validator := privval.LoadOrGenFilePV(settings.PrivValidatorKeyFile(), settings.PrivValidatorStateFile())
	key, err := p2p.LoadOrGenNodeKey(settings.NodeKeyFile())
	if err != nil {
		return nil, err
	}
	public, err := validator.GetPubKey()
	if err != nil {
		return nil, err
	}
	genesis := &types.GenesisDoc{
		ChainID:         "peer",
		GenesisTime:     time.Now(),
		ConsensusParams: types.DefaultConsensusParams(),
		Validators:      []types.GenesisValidator{{PubKey: public, Power: 1}},
	}
	created, err := node.NewNode(
		settings, validator, key, proxy.NewLocalClientCreator(app),
		func() (*types.GenesisDoc, error) { return genesis, genesis.ValidateAndComplete() },
		config.DefaultDBProvider, node.DefaultMetricsProvider(settings.Instrumentation), cmtlog.NewNopLogger(),
	)
	if err != nil {
		return nil, err
	}
	return created, created.Start()
}

// sendAll keeps a few blocks of transactions in the mempool and returns when the block of the last one is applied and
// its state saved. Transactions that the mempool knows already are duplicates: it drops them.
func sendAll(running *node.Node, txs []types.Tx, blocks types.Subscription) error {
	pool, height := running.Mempool(), int64(0)
	applied := func() {
		height = (<-blocks.Out()).Data().(types.EventDataNewBlock).Block.Height
	}
	for _, tx := range txs {
		err := pool.CheckTx(tx, nil, mempool.TxInfo{})
		if err != nil && !errors.Is(err, mempool.ErrTxInCache) {
			return err
		}
		for pool.Size() >= 4*blockTransactions {
			applied()
		}
	}
	for pool.Size() > 0 || height < running.BlockStore().Height() {
		applied()
	}
	return nil
}

type blocks interface {
	Height() int64
	LoadBlock(height int64) *types.Block
}

// prove verifies a transaction of some blocks against its block's header.
func prove(store blocks) (int, error) {
	for number := range int64(proofs) {
		height := 1 + number*store.Height()/proofs
		block := store.LoadBlock(height)
		if len(block.Txs) == 0 {
			continue
		}
		proof := block.Txs.Proof(len(block.Txs) / 2)
		if err := proof.Validate(block.DataHash); err != nil {
			return 0, fmt.Errorf("block %d: %w", height, err)
		}
		if len(proof.Leaf()) != tmhash.Size {
			return 0, fmt.Errorf("block %d: a leaf of %d bytes", height, len(proof.Leaf()))
		}
	}
	return proofs, nil
}
