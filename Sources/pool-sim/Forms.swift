import PoolConsole

/// The commands with their flags and help. Each command adds its form in a file of its own.
enum Forms {
  static let program = Program(
    name: "pool-sim", version: "0.1.0",
    commands: [
      RunCommand.form, HuntCommand.form, ScenarioCommand.form, FairnessCommand.form,
      ReplayCommand.form, WhatIfCommand.form, DefragCommand.form, MutantsCommand.form,
    ])

  static let help = Flag(name: "--help", values: .none, summary: "print this help")
}
