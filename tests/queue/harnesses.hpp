#pragma once

#include "tests/queue/harness.hpp"

/// The adapters that the contract's cases run against.
#define PAWL_QUEUES ::pawl::test::RedisHarness
