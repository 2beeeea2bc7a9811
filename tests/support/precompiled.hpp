#pragma once

// Compiled once for all suites.
#include "core/precompiled.hpp"
#include "tests/support/catch.hpp"
