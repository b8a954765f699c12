// Command imerr-scan finds the errors of the Agora / Easemob IM SDK in logs and says what they mean.
package main

func main() {}
