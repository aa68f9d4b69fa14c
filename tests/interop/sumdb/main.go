// Command sumdb reads a log of tlog-tiles with the client of Go's checksum database (golang.org/x/mod/sumdb), which
// nobody of this project wrote: the checkpoint's signature, the inclusion of every entry, and the consistency with older
// checkpoints. Only tile paths are translated: the checksum database has its height in them, and other names for entries.
//
//	sumdb -vkey KEY [-since FILE]… [-step N] DIRECTORY|URL
//
// Every entry is compared with its hash in an authenticated tile; every Nth is proved by an audit path besides.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type place struct {
	root  string
	tiles map[string][]byte
}

// Height, ReadTiles and SaveTiles make a place a tlog.TileReader.
func (p *place) Height() int { return height }

func (p *place) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		data, err := p.tile(tile)
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}

func (p *place) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		p.tiles[tile.Path()] = data[i]
	}
}

func (p *place) tile(tile tlog.Tile) ([]byte, error) {
	if data, ok := p.tiles[tile.Path()]; ok {
		return data, nil
	}
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return p.read("tile/" + strings.Replace(path, "data/", "entries/", 1))
}

func (p *place) read(path string) ([]byte, error) {
	if !strings.HasPrefix(p.root, "http://") {
		return os.ReadFile(filepath.Join(p.root, path))
	}
	answer, err := http.Get(p.root + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// open verifies a checkpoint and reads its tree. The checksum database's own checkpoints begin with another line.
func open(checkpoint []byte, key note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(checkpoint, note.VerifierList(key))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != key.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s: %q", key.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

// entries splits a bundle, in which each entry stands behind its length.
func entries(bundle []byte) ([][]byte, error) {
	var found [][]byte
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle) < 2+int(bundle[0])<<8+int(bundle[1]) {
			return nil, errors.New("a bundle is cut")
		}
		length := int(bundle[0])<<8 + int(bundle[1])
		found = append(found, bundle[2:2+length])
		bundle = bundle[2+length:]
	}
	return found, nil
}

func (p *place) included(tree tlog.Tree, hashes tlog.HashReader, step int64) error {
	for first := int64(0); first < tree.N; first += 1 << height {
		width := int(min(tree.N-first, 1<<height))
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: width}
		bundle, err := p.tile(tile)
		if err != nil {
			return err
		}
		all, err := entries(bundle)
		if err != nil || len(all) != width {
			return fmt.Errorf("%s: %d of %d entries: %v", tile.Path(), len(all), width, err)
		}
		var indexes []int64
		for i := range all {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(i)))
		}
		stored, err := hashes.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, entry := range all {
			index := first + int64(i)
			if tlog.RecordHash(entry) != stored[i] {
				return fmt.Errorf("entry %d isn't what its tile says", index)
			}
			if index%step != 0 {
				continue
			}
			proof, err := tlog.ProveRecord(tree.N, index, hashes)
			if err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
		}
	}
	return nil
}

func consistent(old, tree tlog.Tree, hashes tlog.HashReader) error {
	if old.N == 0 || old.N == tree.N {
		if old.N != 0 && !bytes.Equal(old.Hash[:], tree.Hash[:]) {
			return fmt.Errorf("two roots at %d entries", tree.N)
		}
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, old.N, hashes)
	if err != nil {
		return fmt.Errorf("from %d entries: %w", old.N, err)
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("from %d entries: %w", old.N, err)
	}
	return nil
}

func run(vkey, root string, since []string, step int64) (string, error) {
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return "", err
	}
	p := &place{strings.TrimSuffix(root, "/"), map[string][]byte{}}
	checkpoint, err := p.read("checkpoint")
	if err != nil {
		return "", err
	}
	tree, err := open(checkpoint, key)
	if err != nil {
		return "", err
	}
	hashes := tlog.TileHashReader(tree, p)
	if err := p.included(tree, hashes, step); err != nil {
		return "", err
	}
	for _, file := range since {
		kept, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		old, err := open(kept, key)
		if err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		if err := consistent(old, tree, hashes); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d entries, %d older checkpoints", tree.N, len(since)), nil
}

func main() {
	var since []string
	vkey := flag.String("vkey", "", "the log's verifier key")
	step := flag.Int64("step", 1, "prove every so many entries")
	flag.Func("since", "a checkpoint kept earlier", func(file string) error { since = append(since, file); return nil })
	flag.Parse()
	found, err := run(*vkey, flag.Arg(0), since, *step)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(found)
}
