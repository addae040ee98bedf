// Command interop reads a public directory as a stranger does, with Go's sumdb packages and transparency-dev's formats.
//
// It verifies the checkpoint and its cosignatures, recomputes the root from the entry bundles, and proves entries and an
// older checkpoint through the tiles. It prints what it found as JSON, or one line on stderr and exits with 1.
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// found is what the program prints.
type found struct {
	Origin      string   `json:"origin"`
	Size        int64    `json:"size"`
	Root        string   `json:"root"`
	Entries     int64    `json:"entries"`
	Inclusions  int64    `json:"inclusions"`
	Extends     int64    `json:"extends"`
	Cosigners   []string `json:"cosigners"`
	CosignTimes []int64  `json:"cosign_times"`
}

// directory is the public directory; it serves tiles to tlog.
type directory string

func main() {
	public := flag.String("public", "", "the public directory")
	vkey := flag.String("vkey", "", "the log's verifier key")
	witnesses := flag.String("witnesses", "", "verifier keys of witnesses (cosignature/v1), separated by commas")
	old := flag.String("old", "", "an older checkpoint that the log must extend")
	flag.Parse()
	result, err := check(directory(*public), *vkey, *witnesses, *old)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func check(public directory, vkey, witnesses, old string) (*found, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("log key: %w", err)
	}
	result := &found{Origin: verifier.Name(), Cosigners: []string{}, CosignTimes: []int64{}}
	tree, err := result.openCheckpoint(filepath.Join(string(public), "checkpoint"), verifier, witnesses)
	if err != nil {
		return nil, err
	}
	result.Size, result.Root = tree.N, tree.Hash.String()
	entries, err := public.entries(tree.N)
	if err != nil {
		return nil, err
	}
	result.Entries = int64(len(entries))
	if err := checkRoot(entries, tree); err != nil {
		return nil, err
	}
	hashes := tlog.TileHashReader(tree, public)
	for index := int64(0); index < tree.N; index += 1 + tree.N/200 {
		if err := checkInclusion(entries[index], index, tree, hashes); err != nil {
			return nil, err
		}
		result.Inclusions++
	}
	if old != "" {
		older, err := (&found{}).openCheckpoint(old, verifier, "")
		if err != nil {
			return nil, err
		}
		proof, err := tlog.ProveTree(tree.N, older.N, hashes)
		if err != nil {
			return nil, fmt.Errorf("consistency from %d: %w", older.N, err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
			return nil, fmt.Errorf("consistency from %d: %w", older.N, err)
		}
		result.Extends = older.N
	}
	return result, nil
}

// openCheckpoint verifies the log's signature and those of all given witnesses.
func (f *found) openCheckpoint(path string, verifier note.Verifier, witnesses string) (tlog.Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	var others []note.Verifier
	for _, vkey := range strings.FieldsFunc(witnesses, func(r rune) bool { return r == ',' }) {
		other, err := fnote.NewVerifier(vkey)
		if err != nil {
			return tlog.Tree{}, fmt.Errorf("witness key: %w", err)
		}
		others = append(others, other)
	}
	checkpoint, rest, signed, err := log.ParseCheckpoint(text, verifier.Name(), verifier, others...)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	if len(rest) > 0 || len(signed.Sigs) != 1+len(others) {
		return tlog.Tree{}, fmt.Errorf("checkpoint: %d of %d signatures, %d bytes of extensions",
			len(signed.Sigs), 1+len(others), len(rest))
	}
	for _, signature := range signed.Sigs {
		if signature.Hash == verifier.KeyHash() {
			continue
		}
		time, err := fnote.CoSigV1Timestamp(signature)
		if err != nil {
			return tlog.Tree{}, fmt.Errorf("cosignature of %s: %w", signature.Name, err)
		}
		f.Cosigners = append(f.Cosigners, signature.Name)
		f.CosignTimes = append(f.CosignTimes, time.Unix())
	}
	root, err := hash(checkpoint.Hash)
	return tlog.Tree{N: int64(checkpoint.Size), Hash: root}, err
}

func hash(b []byte) (tlog.Hash, error) {
	var h tlog.Hash
	if len(b) != len(h) {
		return h, errors.New("checkpoint: the root has not 32 bytes")
	}
	copy(h[:], b)
	return h, nil
}

func checkRoot(entries [][]byte, tree tlog.Tree) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, index := range indexes {
			out = append(out, stored[index])
		}
		return out, nil
	})
	for index, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(index), entry, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err == nil && root != tree.Hash {
		err = fmt.Errorf("the entries have root %v, the checkpoint says %v", root, tree.Hash)
	}
	return err
}

func checkInclusion(entry []byte, index int64, tree tlog.Tree, hashes tlog.HashReader) error {
	proof, err := tlog.ProveRecord(tree.N, index, hashes)
	if err == nil {
		err = tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
	}
	if err != nil {
		err = fmt.Errorf("entry %d: %w", index, err)
	}
	return err
}

// entries reads the first size entries from the bundles.
func (d directory) entries(size int64) ([][]byte, error) {
	var all [][]byte
	for place := int64(0); place*tileWidth < size; place++ {
		width := min(size-place*tileWidth, tileWidth)
		path := strings.TrimPrefix(tlog.Tile{H: tileHeight, L: -1, N: place, W: int(width)}.Path(), "tile/8/data/")
		bundle, err := d.read("tile/entries/" + path)
		if err != nil {
			return nil, err
		}
		for n := int64(0); n < width; n++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return nil, fmt.Errorf("bundle %d ends inside entry %d", place, n)
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			all = append(all, bytes.Clone(bundle[2:end]))
			bundle = bundle[end:]
		}
	}
	return all, nil
}

// read returns a resource, or the full one where the partial one is gone.
func (d directory) read(path string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(string(d), path))
	if full, _, partial := strings.Cut(path, ".p/"); partial && errors.Is(err, fs.ErrNotExist) {
		return os.ReadFile(filepath.Join(string(d), full))
	}
	return data, err
}

// Height is that of C2SP tlog-tiles.
func (d directory) Height() int { return tileHeight }

// ReadTiles reads tiles; Go's paths name the height, those of C2SP do not.
func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		data, err := d.read("tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		if length := tile.W * tlog.HashSize; len(data) >= length {
			data = data[:length]
		}
		out = append(out, data)
	}
	return out, nil
}

// SaveTiles keeps nothing: every run reads the directory as it is.
func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}
