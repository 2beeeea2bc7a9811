#pragma once

namespace pawl::test {

/// A port of 127.0.0.1 that nothing listens on just now.
[[nodiscard]] int free_port();
/// Whether something takes connections there.
[[nodiscard]] bool listens(int port);

}  // namespace pawl::test
