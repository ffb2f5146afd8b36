# `make demo` is the way in. Everything else works with plain cargo too, once `scripts/setup build` has run.

.PHONY: help setup demo test bench

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | column -t -s '|' 2>/dev/null || sed -n 's/^\([a-z]*\):.*## /  make \1: /p' Makefile

setup: ## install what building and testing need (Debian, Ubuntu)
	scripts/setup test

demo: ## a sample team publishes: site, mail, keys, all verified with GnuPG
	scripts/setup demo
	cargo build --release
	scripts/demo

# A program that a test needs and that is not there is a failure; `ADVISE_REQUIRE_PEERS=0 make test` skips such a test aloud.
test: ## all tests, documentation examples included
	scripts/setup test
	ADVISE_REQUIRE_PEERS=$${ADVISE_REQUIRE_PEERS-1} cargo test --workspace

bench: ## the program against its targets, beside Hugo
	scripts/setup bench
	scripts/bench
