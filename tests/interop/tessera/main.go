// Command tessera reads a log of tlog-tiles with the client of github.com/transparency-dev/tessera, by the native paths:
// the checkpoint's signature, every entry's hash, proofs of inclusion and of consistency with older checkpoints.
//
//	tessera -vkey KEY [-since FILE]… [-step N] DIRECTORY|URL
//
// Every entry is compared with its hash in a tile; every Nth is proved by an audit path.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

type fetcher interface {
	ReadCheckpoint(ctx context.Context) ([]byte, error)
	ReadTile(ctx context.Context, l, i uint64, p uint8) ([]byte, error)
	ReadEntryBundle(ctx context.Context, i uint64, p uint8) ([]byte, error)
}

func place(root string) (fetcher, error) {
	if !strings.HasPrefix(root, "http://") {
		return client.FileFetcher{Root: root}, nil
	}
	address, err := url.Parse(root)
	if err != nil {
		return nil, err
	}
	return client.NewHTTPFetcher(address, http.DefaultClient)
}

// entryHashes reads all entries and hashes them.
func entryHashes(ctx context.Context, from fetcher, size uint64) ([][]byte, error) {
	var hashes [][]byte
	for bundle := uint64(0); uint64(len(hashes)) < size; bundle++ {
		read, err := client.GetEntryBundle(ctx, from.ReadEntryBundle, bundle, size)
		if err != nil {
			return nil, err
		}
		if len(read.Entries) == 0 {
			return nil, fmt.Errorf("bundle %d is empty", bundle)
		}
		for _, entry := range read.Entries {
			hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
		}
	}
	return hashes, nil
}

func included(ctx context.Context, from fetcher, head *log.Checkpoint, builder *client.ProofBuilder, step int) error {
	hashes, err := entryHashes(ctx, from, head.Size)
	if err != nil {
		return err
	}
	leaves, err := client.FetchLeafHashes(ctx, from.ReadTile, 0, head.Size, head.Size)
	if err != nil {
		return err
	}
	if len(leaves) != len(hashes) {
		return fmt.Errorf("%d entries, but %d hashes in tiles", len(hashes), len(leaves))
	}
	for index, leaf := range hashes {
		if !bytes.Equal(leaf, leaves[index]) {
			return fmt.Errorf("entry %d isn't what its tile says", index)
		}
		if index%step != 0 {
			continue
		}
		path, err := builder.InclusionProof(ctx, uint64(index))
		if err != nil {
			return err
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), head.Size, leaf, path, head.Hash); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return nil
}

func run(ctx context.Context, vkey, root string, since []string, step int) (string, error) {
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return "", err
	}
	from, err := place(root)
	if err != nil {
		return "", err
	}
	head, _, _, err := client.FetchCheckpoint(ctx, from.ReadCheckpoint, key, key.Name())
	if err != nil {
		return "", err
	}
	builder, err := client.NewProofBuilder(ctx, head.Size, from.ReadTile)
	if err != nil {
		return "", err
	}
	if err := included(ctx, from, head, builder, step); err != nil {
		return "", err
	}
	for _, file := range since {
		kept := func(context.Context) ([]byte, error) { return os.ReadFile(file) }
		old, _, _, err := client.FetchCheckpoint(ctx, kept, key, key.Name())
		if err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		path, err := builder.ConsistencyProof(ctx, old.Size, head.Size)
		if err != nil {
			return "", err
		}
		err = proof.VerifyConsistency(rfc6962.DefaultHasher, old.Size, head.Size, path, old.Hash, head.Hash)
		if err != nil {
			return "", fmt.Errorf("from %d entries: %w", old.Size, err)
		}
	}
	return fmt.Sprintf("%d entries, %d older checkpoints", head.Size, len(since)), nil
}

func main() {
	var since []string
	vkey := flag.String("vkey", "", "the log's verifier key")
	step := flag.Int("step", 1, "prove every so many entries")
	flag.Func("since", "a checkpoint kept earlier", func(file string) error { since = append(since, file); return nil })
	flag.Parse()
	found, err := run(context.Background(), *vkey, flag.Arg(0), since, *step)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(found)
}
