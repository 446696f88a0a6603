package run

// ProgramVersion is the version of this program, which every config.json records.
const ProgramVersion = "0.1.0"
