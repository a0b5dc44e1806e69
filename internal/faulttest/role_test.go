package faulttest

const roleVariable = "REMESA_FAULTTEST_ROLE"

func playRole() int { return 0 }
