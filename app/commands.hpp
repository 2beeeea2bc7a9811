#pragma once

#include "app/invocation.hpp"

/// One function per command of the binary, each in its own file. They write results to stdout and
/// messages to stderr, and throw what failure.hpp turns into an exit code.
namespace pawl::app {

[[nodiscard]] core::ExitCode check(const Invocation& invocation);
[[nodiscard]] core::ExitCode init(const Invocation& invocation);
[[nodiscard]] core::ExitCode config(const Invocation& invocation);
[[nodiscard]] core::ExitCode preview(const Invocation& invocation);
[[nodiscard]] core::ExitCode record(const Invocation& invocation);
[[nodiscard]] core::ExitCode test(const Invocation& invocation);
[[nodiscard]] core::ExitCode plan(const Invocation& invocation);
[[nodiscard]] core::ExitCode run(const Invocation& invocation);
[[nodiscard]] core::ExitCode sync(const Invocation& invocation);
[[nodiscard]] core::ExitCode backfill(const Invocation& invocation);
[[nodiscard]] core::ExitCode status(const Invocation& invocation);
[[nodiscard]] core::ExitCode quota(const Invocation& invocation);
[[nodiscard]] core::ExitCode verify(const Invocation& invocation);
[[nodiscard]] core::ExitCode dlq(const Invocation& invocation);
[[nodiscard]] core::ExitCode reset(const Invocation& invocation);
[[nodiscard]] core::ExitCode forget(const Invocation& invocation);
[[nodiscard]] core::ExitCode doctor(const Invocation& invocation);
[[nodiscard]] core::ExitCode migrate(const Invocation& invocation);
[[nodiscard]] core::ExitCode version(const Invocation& invocation);

}  // namespace pawl::app
