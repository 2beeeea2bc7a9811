#pragma once

namespace pawl::test {

/// A port of 127.0.0.1 that nothing listens on just now.
[[nodiscard]] int free_port();

}  // namespace pawl::test
